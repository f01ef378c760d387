"""Radii, bonds, and the points where potentials are computed and drawn."""
