"""What defines a PhysNet network, apart from its weights: settings, checked, to and from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Self

from mepflow.errors import ConfigError
from mepflow.nn.networks import require_fields

OUTPUTS: Final = ("p1", "energy")
"""Scalars of an atom, each of which can be an output: its charge and its share of the energy."""
_LARGEST: Final[dict[str, int | float]] = {
    "features": 10_000,
    "n_basis": 10_000,
    "modules": 100,
    "interaction_residuals": 100,
    "atomic_residuals": 100,
    "output_residuals": 100,
    "cutoff_angstrom": 1e3,
}
"""Far beyond any network there is: a larger value is a mistake, or a file that asks for memory."""


@dataclass(frozen=True, kw_only=True)
class PhysNetSettings:
    """What defines a network, apart from its weights.

    Raises :class:`~mepflow.errors.ConfigError` for values that no network can have.

    - ``features``: width F of every layer
    - ``n_basis``: number K of radial functions
    - ``modules``: number of modules, one after the other
    - ``interaction_residuals``, ``atomic_residuals``, ``output_residuals``: residual blocks of a
      module after the sum over neighbours, of the atoms after that, and before an output
    - ``cutoff_angstrom``: distance below which two atoms see each other
    - ``zero_start``: whether all outputs are 0 at first, as in the original; else their last layers
      start as random as the others. A loss on the dipole's length alone has no gradient at 0
    - ``elements``: atomic numbers, in the order of the species index
    - ``outputs``: "p1" (the charge of an atom) and "energy" (its share of the energy)
    """

    kind: ClassVar[str] = "physnet"

    features: int
    n_basis: int
    modules: int
    interaction_residuals: int
    atomic_residuals: int
    output_residuals: int
    cutoff_angstrom: float
    elements: tuple[int, ...]
    outputs: tuple[str, ...] = ("p1",)
    zero_start: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(int(z) for z in self.elements))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            whole = isinstance(largest, int)
            kind = int if whole else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value <= largest:
                what = "a whole number" if whole else "a number"
                raise ConfigError(
                    f"network setting {name} is {value!r:.30}: it must be {what} above 0, up to "
                    f"{largest}."
                )
        if not isinstance(self.zero_start, bool):
            raise ConfigError(f"network setting zero_start is {self.zero_start!r:.30}: true|false.")
        if not self.elements or len(set(self.elements)) != len(self.elements):
            raise ConfigError(
                "network setting elements must list at least one element, none twice."
            )
        self._check_outputs()

    def _check_outputs(self) -> None:
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise ConfigError("network setting outputs must name at least one output, none twice.")
        for output in self.outputs:
            if output not in OUTPUTS:
                raise ConfigError(
                    f"network setting outputs has {output!r}: PhysNet gives every atom scalars, "
                    f"{' and '.join(OUTPUTS)}, no atomic dipoles or quadrupoles."
                )

    def check_size(self, n_weights: int) -> None:
        """Raise ``ValueError`` where a network of these settings has more weights than so many."""
        residuals = self.interaction_residuals + self.atomic_residuals + self.output_residuals
        if self.modules * residuals > n_weights:
            raise ValueError(f"{n_weights} weights are too few for {self.modules} modules")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file; :meth:`from_dict` reads them back."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings of a mapping of field names, such as :meth:`to_dict` makes."""
        require_fields(cls, values)
        return cls(**values)
