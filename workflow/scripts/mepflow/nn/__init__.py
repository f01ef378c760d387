"""The network: PiNet2 in PyTorch, and the graphs of atoms and pairs it works on."""
