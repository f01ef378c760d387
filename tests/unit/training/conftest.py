"""Fixtures of a small training."""

from training_case import network, paths, table, training, variant

__all__ = ["network", "paths", "table", "training", "variant"]
