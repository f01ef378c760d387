"""Reference calculations with PySCF: levels of theory, multipoles, potentials on grids, shards."""

from mepflow.qm.blas import choose_kernels

choose_kernels()  # before a module of this package imports PySCF
