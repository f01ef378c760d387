"""Potentials of atomic multipoles."""
