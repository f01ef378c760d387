"""PhysNet: its settings, layers and the network."""
