"""Charges of any program, judged by a reference's potential."""
