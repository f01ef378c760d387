"""Make PySCF's bundled linear algebra use the processor it runs on.

The OpenBLAS inside PySCF's wheel (0.3.3) predates today's processors: one it does not know gets
generic kernels, which halves the speed of a whole SCF. Naming the Haswell kernels (AVX2 and FMA)
mends that. The variable is read when the library is loaded, so this must run before the first
import of ``pyscf``; NumPy and SciPy carry their own, newer copies and are not concerned.
"""

import os
import platform
from pathlib import Path

_VARIABLE = "OPENBLAS_CORETYPE"


def choose_kernels() -> None:
    """Select OpenBLAS's Haswell kernels on an x86-64 machine with AVX2, unless the user chose."""
    if _VARIABLE in os.environ or platform.machine() != "x86_64":
        return
    processor = Path("/proc/cpuinfo")
    if processor.exists() and {"avx2", "fma"} <= set(processor.read_text().split()):
        os.environ[_VARIABLE] = "HASWELL"
