"""The catalogue of targets: what a model can learn, and the names and units that follow.

A variant gives a weight to each target that it learns. Labels, loss, log, tables and curves take
what they need to know about a target from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

TASKS: Final[Mapping[str, str]] = {
    "multipoles": "mepflow.training.multipole_task",
    "energies": "mepflow.training.energy_task",
}
"""Module of each kind of training; it is imported by a training of that kind alone.

A later one learns what the earlier ones do, too.
"""
DEFAULT_TASK: Final = "multipoles"
"""What the model of every task can do, too."""
MODELS: Final[Mapping[str, str]] = {
    "multipoles": "mepflow.models.multipole_model",
    "energies": "mepflow.models.energy_model",
}
"""Module of the kind of ``Model`` that each kind of training makes."""
FITTED: Final = "fitted"
"""Charges that are fitted to the reference potential: a training makes these labels itself."""
CHARGES_LIKE: Final[Mapping[str, tuple[str, ...]]] = {
    "mulliken": ("mulliken_charges", "archive_mulliken_charges"),
    "mbis": ("archive_mbis_charges",),
    FITTED: ("atomic_charges",),
}
"""Schemes of reference charges, and the fields that hold them, the preferred one first."""


@dataclass(frozen=True)
class Target:
    """What can be learned.

    ============  =============================================================================
    symbol        how figures call it
    per           what a label belongs to
    components    numbers of one label whose errors count, all alike
    unit          as in :data:`mepflow.fields.FIELDS`, and that of the squared error in the loss
    fields        fields that can give the label, the preferred one first; none where another
                  key of the variant, or a grid, does
    task          the first of :data:`TASKS` that learns it
    ============  =============================================================================
    """

    name: str
    symbol: str
    per: Literal["molecule", "atom", "point"]
    components: int
    unit: str
    fields: tuple[str, ...]
    task: str

    def error_columns(self) -> tuple[str | None, str]:
        """Return the columns of the log for the mean absolute and root-mean-square error.

        There is no mean absolute error over points, of which only sums of squares are kept.
        """
        numerator, *denominator = self.unit.replace("^", "").replace("*", "_").split("/")
        suffix = "_per_".join((numerator, "_".join(denominator)) if denominator else (numerator,))
        mae, rmse = (f"validation_{self.name}_{kind}_{suffix}" for kind in ("mae", "rmse"))
        return None if self.per == "point" else mae, rmse

    @property
    def unit_label(self) -> str:
        """Return the unit as figures write it."""
        return self.unit.replace("*", "·").replace("^2", "²")

    def label_fields(self, charges_like: str | None) -> tuple[str, ...]:
        """Return :attr:`fields`, for charges those of a scheme of :data:`CHARGES_LIKE`."""
        if self.name == "charges" and charges_like is not None:
            return CHARGES_LIKE[charges_like]
        return self.fields


_ALL: Final = (
    Target("dipole", "μ", "molecule", 3, "e*bohr", ("dipole",), "multipoles"),
    Target("quadrupole", "Θ′", "molecule", 6, "e*bohr^2", ("quadrupole",), "multipoles"),
    Target(
        "dipole_norm", "|μ|", "molecule", 1, "e*bohr", ("dipole", "archive_dipole_norm"),
        "multipoles",
    ),
    Target("charges", "q", "atom", 1, "e", (), "multipoles"),
    Target("mep", "V", "point", 1, "kcal/mol/e", (), "multipoles"),
    Target("energy", "E", "molecule", 1, "hartree", ("energy", "archive_energy"),
           "energies"),
    # Minus the gradient. C++ and Triton kernels have first derivatives only: see energy_task.
    Target("forces", "F", "atom", 3, "hartree/bohr", ("gradient", "archive_gradient"),
           "energies"),
)  # fmt: skip
TARGETS: Final[Mapping[str, Target]] = {target.name: target for target in _ALL}
POTENTIAL: Final = "mep"
"""The target whose labels are points around a molecule, on the grids that a variant names."""
AUXILIARY: Final = "charges"
"""The target that helps others: its error does not choose the best step where others are learned.

Reference charges depend on their scheme. Chosen with them, the weights of two variants that differ
in the weight of the charges would be the best ones for two different aims.
"""
ALWAYS_LOGGED: Final = ("dipole", "quadrupole")
"""Targets whose errors the log shows for every variant, wherever there are labels."""
