"""PiNet2: plain layers, the compiled network, and its comparison with PiNN."""
