"""Trained models as a product: variants, files, the elements they know, predictions."""
