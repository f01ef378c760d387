"""Dynamics of molecules on any surface with forces, and the infrared spectra of its dipoles."""
