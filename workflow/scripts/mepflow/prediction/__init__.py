"""Predictions for molecules of one's own: from structure files to multipoles and potentials."""
