"""Readers of raw archives."""
