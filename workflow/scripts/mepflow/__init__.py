"""Molecular electrostatic potentials from machine-learned multipoles."""

__version__ = "0.1.0"
