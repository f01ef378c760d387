r"""Statistics of the MEP on a molecular surface, and the surface as a mesh.

After J. S. Murray and P. Politzer (J. Mol. Struct. THEOCHEM 425, 107 (1998)): with the area A and
its parts A₊ and A₋ where the potential V is positive and negative, and means over them,

.. math::
    \Pi = \langle |V - \bar V| \rangle_A, \quad
    \sigma^2_\pm = \langle (V - \bar V_\pm)^2 \rangle_{A_\pm}, \quad
    \sigma^2_\text{tot} = \sigma^2_+ + \sigma^2_-, \quad
    \nu = \sigma^2_+ \sigma^2_- / (\sigma^2_\text{tot})^2 .

All means are weighted with the area of the mesh's vertices. The surface is that of Bondi spheres,
so values are not those of a surface of constant electron density, which others use.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps

from mepflow.geometry.surfaces import Surface
from mepflow.storage.files import atomic_path
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

_MAP: Final = "RdBu"


def statistics(surface: Surface, values: FloatArray) -> dict[str, float]:
    """Return what the module's docstring defines, areas in Å², V in the unit of ``values`` (n,).

    A mean or variance over a sign that no value has is nan.
    """
    areas = surface.vertex_areas()
    mean = float(np.average(values, weights=areas))
    parts = {"positive": values > 0, "negative": values < 0}
    found = {"area": float(areas.sum()) * BOHR_IN_ANGSTROM**2}
    variances = []
    for name, chosen in parts.items():
        found[f"area_{name}"] = float(areas[chosen].sum()) * BOHR_IN_ANGSTROM**2
        average = _mean(values[chosen], areas[chosen])
        found[f"mean_{name}"] = average
        variances.append(_mean((values[chosen] - average) ** 2, areas[chosen]))
        found[f"variance_{name}"] = variances[-1]
    variances = [0.0 if np.isnan(one) else one for one in variances]
    total = sum(variances)
    found["mean"] = mean
    found["average_deviation"] = float(np.average(np.abs(values - mean), weights=areas))
    found["variance_total"] = total
    found["balance"] = variances[0] * variances[1] / total**2 if total else float("nan")
    return found


def _mean(values: FloatArray, areas: FloatArray) -> float:
    return float(np.average(values, weights=areas)) if len(values) else float("nan")


def write_ply(path: Path, surface: Surface, values: FloatArray, title: str) -> None:
    """Write a mesh in ångström with ``values`` (n,) and their colours, for other viewers.

    Red is negative, blue positive, white 0, on a scale from minus to plus the largest size.
    """
    largest = float(np.abs(values).max()) or 1.0
    colours = colormaps[_MAP](0.5 + 0.5 * values / largest, bytes=True)[:, :3]
    head = [
        "ply", "format ascii 1.0", f"comment {title}",
        "comment positions in angstrom, mep in kcal/mol/e", f"element vertex {len(values)}",
        *(f"property float {name}" for name in ("x", "y", "z", "mep")),
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        f"element face {len(surface.triangles)}", "property list uchar int vertex_indices",
        "end_header",
    ]  # fmt: skip
    positions = surface.vertices * BOHR_IN_ANGSTROM
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as file:
        file.write("\n".join(head) + "\n")
        np.savetxt(
            file, np.column_stack([positions, values, colours]), fmt="%.4f " * 4 + "%d %d %d"
        )
        np.savetxt(file, surface.triangles, fmt="3 %d %d %d")
