r"""An SCF that does its cycles with an approximate potential, and has the result of the exact one.

Nearly all the time of a density-fitted SCF goes into the exchange-correlation functional on the
integration grid, that of one with exact integrals into these. Here a coarse grid (and, for exact
integrals, density fitting) does the cycles: energy :math:`E_a` and potential :math:`V_a`. The exact
ones, E and V, correct it to first order around a density matrix D₀:

.. math::
    E(D) \approx E_a(D) + [E(D_0) - E_a(D_0)] + \mathrm{tr}\,[(V(D_0) - V_a(D_0)) (D - D_0)]

The potential :math:`V_a(D) + V(D_0) - V_a(D_0)` is that of this very energy, so the SCF converges
as ever; at D₀ energy and potential are exact. The expansion moves to the density found until the
energy stands still: what is left is the product of the last step of the density with itself and the
difference of the second derivatives. Two or three exact evaluations do for what took a dozen.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyscf import dft, gto, lib
from pyscf.dft import numint

FloatArray = npt.NDArray[np.float64]

COARSE_LEVEL: Final = 0
"""PySCF's level of the coarse grid: a fourteenth of the points of level 3."""
_COARSE_GRADIENT: Final = 1e-2
"""Where the cycles without a correction end: the next ones would converge to another density."""
_TIGHTER_GRADIENT: Final = 0.1
"""Gradient at which later cycles end, as a part of PySCF's default, √(tolerance of the energy).

Approximate cycles cost little, so they may converge further."""
_MAX_EXPANSIONS: Final = 8
_KEPT_SHARE: Final = 0.1
"""Part of the memory that the values of basis functions on the coarse grid may take."""


class CorrectedIntegration(numint.NumInt):  # type: ignore[misc]
    """PySCF's integration of a functional, on a coarse grid and with a correction of first order.

    The correction may be that of the whole effective potential: PySCF adds up the parts.
    """

    def __init__(self, mol: gto.Mole, max_memory: float) -> None:
        super().__init__()
        self.coarse = dft.Grids(mol)
        self.coarse.level = COARSE_LEVEL
        self.coarse.build(with_non0tab=True)
        self._kept_megabyte = _KEPT_SHARE * max_memory
        self._kept: list[Any] = []
        self._energy: float = 0.0
        self._potential: FloatArray | None = None

    def expand(self, density: FloatArray, energy: float, potential: FloatArray) -> None:
        """Correct by an ``energy`` (hartree) and ``potential`` (n, n) at ``density`` (n, n)."""
        self._energy = energy - float(np.vdot(potential, density))
        self._potential = potential

    def nr_rks(
        self, mol: gto.Mole, grids: Any, xc_code: str, dms: FloatArray, *args: Any, **kwargs: Any
    ) -> tuple[float, float, FloatArray]:
        """Return electrons, energy (hartree) and potential (n, n) of a density matrix (n, n)."""
        result = super().nr_rks(mol, self.coarse, xc_code, dms, *args, **kwargs)
        electrons, energy, potential = result
        if self._potential is None:
            return electrons, energy, potential
        energy = energy + self._energy + float(np.vdot(self._potential, dms))
        return electrons, energy, potential + self._potential

    def block_loop(
        self,
        mol: gto.Mole,
        grids: Any,
        nao: int | None = None,
        deriv: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Yield blocks of the values of basis functions; those of the coarse grid are kept."""
        components = (deriv + 1) * (deriv + 2) * (deriv + 3) // 6
        megabyte = 8e-6 * components * grids.weights.size * mol.nao
        if megabyte > self._kept_megabyte:
            yield from super().block_loop(mol, grids, nao, deriv, *args, **kwargs)
            return
        if not self._kept:
            whole = -(-grids.weights.size // numint.BLKSIZE) * numint.BLKSIZE
            self._kept = list(super().block_loop(mol, grids, nao, deriv, blksize=whole))
        yield from self._kept


class _Exact:
    """The effective potential that decides, against the approximate one."""

    def __init__(
        self,
        mean_field: Any,
        approximate: Any,
        integration: CorrectedIntegration,
        plain: numint.NumInt,
    ):
        self._mean_field, self._approximate = mean_field, approximate
        self._integration, self._plain = integration, plain
        self._last: tuple[Any, Any] = (None, None)

    def expand(self, density: FloatArray) -> None:
        """Let the integration be exact to first order around ``density`` (n, n)."""
        if self._approximate is self._mean_field:
            energy, potential = self._of_the_grids(density)
        else:
            energy, potential = self._of_all(density)
        self._integration.expand(density, energy, potential)

    def _of_the_grids(self, density: FloatArray) -> tuple[float, FloatArray]:
        of = self._mean_field
        if of.grids.coords is None:
            of.grids.build(with_non0tab=True)
        left = of.max_memory - lib.current_memory()[0]
        fine, coarse = (
            self._plain.nr_rks(of.mol, grids, of.xc, density, max_memory=left)
            for grids in (of.grids, self._integration.coarse)
        )
        return fine[1] - coarse[1], fine[2] - coarse[2]

    def _of_all(self, density: FloatArray) -> tuple[float, FloatArray]:
        exact = self._mean_field.get_veff(None, density, *self._last)
        self._last = density, exact
        self._integration.expand(density, 0.0, np.zeros_like(density))
        approximate = self._approximate.get_veff(None, density)
        energy = exact.ecoul + exact.exc - approximate.ecoul - approximate.exc
        return energy, np.asarray(exact) - np.asarray(approximate)


def converge(
    mean_field: Any,
    approximate: Any,
    callback: Callable[[dict[str, Any]], object],
    plain: numint.NumInt | None = None,
) -> None:
    """Converge a restricted Kohn–Sham object of PySCF, calling ``callback`` after every cycle.

    ``approximate`` is ``mean_field`` itself, or one for the same molecule that differs in density
    fitting. ``plain`` integrates the functional on the fine grid, PySCF's ``NumInt`` if None. Sets
    what the ``kernel()`` of ``mean_field`` would set; its energy is converged to its ``conv_tol``
    between exact evaluations.
    """
    tolerance = mean_field.conv_tol
    integration = CorrectedIntegration(mean_field.mol, mean_field.max_memory)
    exact = _Exact(mean_field, approximate, integration, plain or numint.NumInt())
    changes: list[float] = []

    def follow(state: dict[str, Any]) -> None:
        changes.append(state["e_tot"] - state["last_hf_e"])
        callback(state)

    settings = {"_numint": integration, "conv_check": False, "callback": follow}
    # The gradient alone ends the first cycles.
    first = {"conv_tol": np.inf, "conv_tol_grad": _COARSE_GRADIENT}
    later = {"conv_tol": tolerance, "conv_tol_grad": _TIGHTER_GRADIENT * tolerance**0.5}
    with lib.temporary_env(approximate, **settings):
        with lib.temporary_env(approximate, **first):
            approximate.kernel()
        with lib.temporary_env(approximate, **later):
            for _ in range(_MAX_EXPANSIONS):
                changes.clear()
                density = approximate.make_rdm1()
                exact.expand(density)
                approximate.kernel(density)
                if not approximate.converged or abs(sum(changes)) < tolerance:
                    break
            else:
                approximate.converged = False
    for name in ("converged", "e_tot", "mo_energy", "mo_coeff", "mo_occ", "scf_summary"):
        setattr(mean_field, name, getattr(approximate, name))
