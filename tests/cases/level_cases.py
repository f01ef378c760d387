"""A level of theory for tests: an SCF of water takes a fraction of a second."""

from typing import Any, Final

TINY_LEVEL: Final[dict[str, Any]] = {
    "functional": "lda,vwn",
    "basis": "sto-3g",
    "effective_core_potential": None,
    "density_fitting": None,
    "dispersion": None,
    "grid_level": 0,
    "convergence_hartree": 1e-8,
    "max_cycles": 50,
}
