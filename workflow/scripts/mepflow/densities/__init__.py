"""Learned electron densities: Gaussians about the atoms, their fit, network, training, errors."""
