"""Reference calculations with PySCF: levels of theory, multipoles, potentials on grids, shards."""
