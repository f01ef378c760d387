"""Errors of predicted multipoles against the reference, baselines and statistics."""
