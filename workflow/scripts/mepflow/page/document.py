"""The page as one HTML file: everything it shows and runs is inside it.

What it shows are tables and figures, each a :class:`mepflow.runs.plan.PageItem`, and molecular
surfaces, those of a dataset a :class:`mepflow.runs.plan.SurfaceView`.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

from mepflow.errors import InputError, MissingFileError
from mepflow.evaluation.sources import sources_of
from mepflow.geometry.radii import CORE_SCALE
from mepflow.page.captions import caption_html
from mepflow.page.encoding import data_uri, script_json
from mepflow.page.headlines import headline
from mepflow.page.page_tables import read_table
from mepflow.page.scenes import scenes
from mepflow.plots.style import DIVERGING_MAP
from mepflow.runs.plan import PageItem, SurfaceView
from mepflow.runs.provenance import read_record, record_path, software_versions
from mepflow.runs.settings import penetration_widths
from mepflow.storage.files import atomic_path
from mepflow.units import BOHR_IN_ANGSTROM

ELEMENT_COLOURS: Final = {
    "H": "#E8E8E8",
    "B": "#E8A0A0",
    "C": "#707070",
    "N": "#3050F8",
    "O": "#E61E1E",
    "F": "#74C43C",
    "Si": "#D8B088",
    "P": "#FF8000",
    "S": "#E6C800",
    "Cl": "#1FB81F",
    "Br": "#A62929",
    "I": "#940094",
    "other": "#C060A0",
}
"""Colours of atoms in the viewer: the field's custom, darkened where a white page asks for it."""
CUBE: Final = {"spacing_bohr": 0.4, "margin_bohr": 6.0, "core_scale": CORE_SCALE}
"""Grid of the cube files: spacing, margin around the nuclei, and size of the atoms' cores."""
_COLOUR_STEPS: Final = 16
_SCRIPTS: Final = ("tables.js", "cube.js", "viewer.js")
_FOLDER: Final = Path(__file__).resolve().parent
_SHOWN_PER_PIXEL: Final = 128 / 300
"""Figures have 300 pixels per inch of a printed page; on a screen an inch is shown as 128 units."""
_OPEN_TABLES: Final = ("mep", "multipoles")
"""Tables that are unfolded at first."""
_LONGEST_LABEL: Final = 40


def make_page(
    config: Mapping[str, Any],
    items: Sequence[PageItem],
    views: Sequence[SurfaceView],
    introduction: str,
    results: Path,
    output: Path,
) -> None:
    """Write the page of the run ``config``; ``introduction`` is the template of its description.

    Raises :class:`InputError` where a file is missing
    or is not what it should be.
    """
    found = [scene for view in views for scene in _scenes(view, config, results)]
    made, commit = _origin(results / item.record for item in items)
    page = _environment().get_template("template.html")
    text = page.render(
        run=config["name"],
        made=made,
        commit=commit,
        css=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),
        datasets=[_dataset(name, config, items, found, results) for name in config["datasets"]],
        introduction=caption_html(introduction, config),
        software=software_versions(),
        scenes=script_json(_viewer_data(found)) if found else "",
        plotly=Markup(get_plotlyjs()) if found else "",
        scripts=[_script(name) for name in _SCRIPTS[: None if found else 1]],
        cube=CUBE,
    )
    with atomic_path(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["share"] = lambda part, whole: f"{100.0 * part / whole:.2f}"
    return environment


def _script(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


def _viewer_data(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    colours = mpl.colormaps[DIVERGING_MAP]
    steps = [k / _COLOUR_STEPS for k in range(_COLOUR_STEPS + 1)]
    return {
        "scenes": list(found),
        "colours": [[step, to_hex(colours(step))] for step in steps],
        "element_colours": ELEMENT_COLOURS,
        "bohr_in_angstrom": BOHR_IN_ANGSTROM,
        "cube": CUBE,
    }


def _scenes(view: SurfaceView, config: Mapping[str, Any], results: Path) -> list[dict[str, Any]]:
    sources = sources_of(results / path for path in view.predictions)
    widths = penetration_widths(config, view.dataset)
    reference = results / view.reference
    return scenes(view.dataset, view.molecules, view.grid, reference, sources, widths)


def _dataset(
    name: str,
    config: Mapping[str, Any],
    items: Sequence[PageItem],
    found: Sequence[Mapping[str, Any]],
    results: Path,
) -> dict[str, Any]:
    row = config["datasets"][name]
    own = sorted((item for item in items if item.dataset == name), key=_rank)
    categories = dict.fromkeys(item.category for item in own)
    return {
        "name": name,
        "anchor": f"dataset-{_anchor(name)}",
        "archive": row["archive"],
        "level": row["level_of_theory"],
        "network": row["network"],
        "headline": headline(name, row, results / name / "tables" / "mep.csv"),
        "scenes": [(k, _label(one)) for k, one in enumerate(found) if one["dataset"] == name],
        "groups": [
            {
                "title": category,
                "entries": [
                    _entry(item, config, results) for item in own if item.category == category
                ],
            }
            for category in categories
        ],
    }


def _rank(item: PageItem) -> int:
    """Return the place of an item: what was asked for first, then the rest as it comes."""
    stem = Path(item.file).stem
    is_first = item.file.endswith(".md") and stem in _OPEN_TABLES
    return _OPEN_TABLES.index(stem) if is_first else len(_OPEN_TABLES)


def _entry(item: PageItem, config: Mapping[str, Any], results: Path) -> dict[str, Any]:
    path = results / item.file
    csv = results / item.csv if item.csv else None
    try:
        return {
            "title": item.title,
            "anchor": _anchor(item.file),
            "caption": caption_html(item.caption, config, item.wildcards, item.params),
            "table": read_table(path) if path.suffix == ".md" else None,
            "image": None if path.suffix == ".md" else _image(path),
            "is_open": Path(item.file).stem in _OPEN_TABLES,
            "files": [name for name in (item.csv, item.pdf) if name],
            "csv": {"name": _download_name(csv.relative_to(results)), "uri": data_uri(csv)}
            if csv
            else None,
        }
    except FileNotFoundError as error:
        raise MissingFileError(error.filename) from None


def _image(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        raise InputError(f"{path} is not a PNG file: delete it and run again.")
    width, height = struct.unpack(">II", content[16:24])
    shown = [round(size * _SHOWN_PER_PIXEL) for size in (width, height)]
    return {"uri": data_uri(path), "width": shown[0], "height": shown[1]}


def _origin(outputs: Iterable[Path]) -> tuple[str, str | None]:
    """Return when the last of some results was made, in words, and by which commit."""
    records = [read_record(record_path(output)) for output in outputs]
    last = max(records, key=lambda record: str(record.get("finished", "")))
    made = str(last.get("finished", ""))[:16].replace("T", ", ")
    return f"{made} UTC", last.get("git_commit")


def _label(scene: Mapping[str, Any]) -> str:
    smiles = scene["smiles"]
    known = 0 < len(smiles) <= _LONGEST_LABEL and smiles != scene["id"]
    return f"{smiles} ({scene['id']})" if known else str(scene["id"])


def _download_name(path: Path) -> str:
    """Return ``qm9-mep.csv`` for ``qm9/tables/mep.csv``: downloads of datasets must not clash."""
    parts = path.parts
    return "-".join((parts[0], parts[-1]))


def _anchor(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-").lower()
