"""Closed-shell Kohn–Sham calculations at a level of theory, with a second-order retry.

The cycles are PySCF's. Most levels of theory take an approximate potential for them, which the
exact one corrects (:mod:`mepflow.qm.corrected_scf`).
"""

import itertools
import logging
from dataclasses import dataclass, replace
from typing import Any, Final

from pyscf import dft, gto, lib
from pyscf.dft import numint

from mepflow.errors import ConfigError, InputError
from mepflow.molecules import Molecule
from mepflow.qm.corrected_scf import COARSE_LEVEL, converge
from mepflow.qm.levels import GPU4PYSCF, PYSCF, LevelOfTheory
from mepflow.qm.mixed_basis import confine_to_mixed_basis

log = logging.getLogger(__name__)

MEMORY_MEGABYTE: Final = 4000
"""Memory of a calculation where none is said."""
_WORKING_SHARE: Final = 0.75
"""Part of it that PySCF may plan with: it does not count everything that it allocates."""
_SECOND_ORDER_CYCLES: Final = 30
_FITTING: Final = "def2-universal-jkfit"
"""Auxiliary basis of the cycles towards a calculation without density fitting."""


@dataclass(frozen=True)
class ScfResult:
    """A finished SCF: PySCF's mean-field object, whether it converged, and at what cost."""

    mean_field: Any
    converged: bool
    cycles: int


def build_molecule(
    molecule: Molecule, level: LevelOfTheory, memory_megabyte: int = MEMORY_MEGABYTE
) -> gto.Mole:
    """Return PySCF's molecule; :class:`InputError` for an open shell or an unsupported element.

    Electrons are counted with the bare nuclear charges: an effective core potential removes pairs.
    """
    electrons = int(molecule.atomic_numbers.sum()) - molecule.total_charge
    if electrons % 2:
        raise InputError(
            f"{molecule.id} has {electrons} electrons: only closed shells are supported."
        )
    symbols = [gto.elements.ELEMENTS[z] for z in molecule.atomic_numbers]
    return gto.M(
        atom=list(zip(symbols, molecule.positions.tolist(), strict=True)),
        unit="Bohr",
        basis=level.basis_functions(symbols),
        ecp=level.core_potentials(symbols),
        charge=molecule.total_charge,
        cart=level.mixes_cartesian_and_pure,
        max_memory=_WORKING_SHARE * memory_megabyte,
        verbose=0,
    )


def build_mean_field(mol: gto.Mole, level: LevelOfTheory) -> Any:
    """Return an unconverged restricted Kohn–Sham object with the settings of the level."""
    mean_field = dft.RKS(mol)
    mean_field.xc = level.functional
    mean_field.grids.level = level.grid_level
    mean_field.conv_tol = level.convergence_hartree
    mean_field.max_cycle = level.max_cycles
    if level.dispersion is not None:
        mean_field.disp = level.dispersion
    if level.density_fitting is not None:
        mean_field = mean_field.density_fit(auxbasis=level.density_fitting)
    if level.mixes_cartesian_and_pure:
        mean_field = confine_to_mixed_basis(mean_field)
    return mean_field


def run_scf(
    molecule: Molecule,
    level: LevelOfTheory,
    threads: int = 1,
    memory_megabyte: int = MEMORY_MEGABYTE,
    integration: numint.NumInt | None = None,
) -> ScfResult:
    """Converge the SCF of a closed-shell molecule; retry with a second-order solver if needed.

    Integrals that do not fit into ``memory_megabyte`` are computed again or kept on disk.

    ``integration`` is what integrates the functional on the fine grid of a level with density
    fitting (:func:`mepflow.qm.corrected_scf.converge`).

    Raises :class:`InputError` as :func:`build_molecule` does, and :class:`ConfigError` where the
    level's backend is not installed. A calculation that does not converge is returned with
    ``converged=False``, never used silently.
    """
    lib.num_threads(threads)
    mean_field = build_mean_field(build_molecule(molecule, level, memory_megabyte), level)
    if level.backend == GPU4PYSCF:
        mean_field = _on_gpu(mean_field)
    cycles = itertools.count()
    approximate = _approximate(mean_field, level)
    if approximate is not None:
        converge(mean_field, approximate, lambda _: next(cycles), integration)
    else:
        mean_field.callback = lambda _: next(cycles)
        mean_field.kernel()
    if level.backend == GPU4PYSCF:
        # Properties, and a second attempt, are PySCF's own: the density is all that it takes.
        mean_field = mean_field.to_cpu()
    if not mean_field.converged:
        log.warning("%s: SCF not converged, trying the second-order solver", molecule.id)
        mean_field = mean_field.newton()
        mean_field.max_cycle = _SECOND_ORDER_CYCLES
        mean_field.kernel(mean_field.mo_coeff, mean_field.mo_occ)
    return ScfResult(mean_field, bool(mean_field.converged), next(cycles))


def _approximate(mean_field: Any, level: LevelOfTheory) -> Any | None:
    """Return the mean field of the approximate cycles; None where PySCF's own cycles are better.

    A functional with VV10 has a second integral, on a grid of its own, which the correction leaves
    out. Exact integrals need an auxiliary basis for all elements.
    """
    coarse_already = level.grid_level <= COARSE_LEVEL
    if level.backend != PYSCF or coarse_already or mean_field.do_nlc():
        return None
    if level.density_fitting is not None:
        return mean_field
    mol, fitted = mean_field.mol, replace(level, density_fitting=_FITTING)
    try:
        fitted.basis_functions({mol.atom_pure_symbol(atom) for atom in range(mol.natm)})
    except InputError:
        return None
    return build_mean_field(mol, fitted)


def _on_gpu(mean_field: Any) -> Any:
    try:
        return mean_field.to_gpu()
    except ImportError as error:
        raise ConfigError(
            f"The backend {GPU4PYSCF} does not work here ({error}): install gpu4pyscf for your CUDA"
            f" on a machine with a GPU, or set the level's `backend` to {PYSCF}."
        ) from error
