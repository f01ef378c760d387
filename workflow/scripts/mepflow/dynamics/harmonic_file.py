"""The file of harmonic modes: JSON with the minimum, wavenumbers, intensities and modes.

Where the surface had no dipole, the key of the intensities is absent: JSON has no nan.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from mepflow.dynamics.harmonic_modes import HarmonicModes
from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.errors import InputError
from mepflow.storage.damage import DAMAGE, reason
from mepflow.storage.files import atomic_path
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM

FORMAT: Final = "mepflow harmonic modes"
_INTENSITIES: Final = "intensities_km_per_mol"
_DECIMALS: Final = {
    "positions_angstrom": 7,
    "wavenumbers_per_cm": 3,
    _INTENSITIES: 4,
    "modes_mass_weighted": 6,
}


def write_modes(path: Path, modes: HarmonicModes) -> None:
    """Write modes, atomically."""
    columns = {
        "positions_angstrom": modes.positions * BOHR_IN_ANGSTROM,
        "wavenumbers_per_cm": modes.wavenumbers,
        _INTENSITIES: modes.intensities,
        "modes_mass_weighted": modes.modes,
    }
    if not np.isfinite(modes.intensities).all():
        del columns[_INTENSITIES]
    content: dict[str, Any] = {
        "format": FORMAT,
        "surface": modes.surface,
        "elements": [symbol(int(number)) for number in modes.atomic_numbers],
        **{name: np.round(values, _DECIMALS[name]).tolist() for name, values in columns.items()},
    }
    lines = ",\n".join(
        f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in content.items()
    )
    with atomic_path(path) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def read_modes(path: Path) -> HarmonicModes:
    """Read what :func:`write_modes` wrote; raises :class:`InputError` where that is not there."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']}")
        unknown = [float("nan")] * len(content["wavenumbers_per_cm"])
        content.setdefault(_INTENSITIES, unknown)
        numbers = [ATOMIC_NUMBERS[name] for name in content["elements"]]
        columns = {name: np.array(content[name], dtype=float) for name in _DECIMALS}
        n, m = len(numbers), len(content["wavenumbers_per_cm"])
        shapes = [columns[name].shape for name in _DECIMALS]
        if shapes != [(n, 3), (m,), (m,), (m, n, 3)]:
            raise ValueError("its columns do not belong together")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: correct its name or make it.") from None
    except DAMAGE as error:
        raise InputError(
            f"{path} is no file of harmonic modes ({reason(error)}): name another or make it anew."
        ) from error
    return HarmonicModes(
        np.array(numbers, dtype=np.uint8),
        columns["positions_angstrom"] * ANGSTROM_IN_BOHR,
        columns["wavenumbers_per_cm"],
        columns[_INTENSITIES],
        columns["modes_mass_weighted"],
        str(content["surface"]),
    )
