"""Training of one model: settings, data on the device, optimiser, checkpoints, predictions."""
