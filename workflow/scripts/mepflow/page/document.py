"""The page as one HTML file: everything it shows and runs is inside it.

What it shows are tables and figures, each a :class:`mepflow.runs.plan.PageItem`, and molecular
surfaces, those of a dataset a :class:`mepflow.runs.plan.SurfaceView`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

from mepflow.evaluation.sources import sources_of
from mepflow.geometry.radii import CORE_SCALE
from mepflow.naming import level_label
from mepflow.page.captions import caption_html
from mepflow.page.encoding import script_json
from mepflow.page.entries import anchor, groups
from mepflow.page.headlines import headline, split_sizes
from mepflow.page.names import Names
from mepflow.page.scenes import scenes
from mepflow.plots.style import DIVERGING_MAP
from mepflow.runs.plan import DatasetFiles, PageItem, SurfaceView
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
_SCRIPTS: Final = ("tables.js", "figures.js")
_VIEWER_SCRIPTS: Final = ("cube.js", "viewer.js")
_FOLDER: Final = Path(__file__).resolve().parent


def make_page(
    config: Mapping[str, Any],
    items: Sequence[PageItem],
    datasets: Sequence[DatasetFiles],
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
    names = Names(config)
    page = _environment(names).get_template("template.html")
    shown = [_dataset(files, config, items, found, results) for files in datasets]
    preferred = {data["name"]: data["headline"].preferred for data in shown if data["headline"]}
    text = page.render(
        run=config["name"],
        made=made,
        commit=commit,
        css=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),
        datasets=shown,
        names=names,
        explained=[name for name in names.variants if name in _in_bars(shown)],
        introduction=caption_html(introduction, config),
        software=software_versions(),
        scenes=script_json(_viewer_data(found, preferred)) if found else "",
        plotly=Markup(get_plotlyjs()) if found else "",
        scripts=[_script(name) for name in (*_SCRIPTS, *(_VIEWER_SCRIPTS if found else ()))],
        cube=CUBE,
    )
    with atomic_path(output) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _environment(names: Names) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = names.marked
    environment.globals["share"] = lambda part, whole: f"{100.0 * part / whole:.2f}"
    return environment


def _script(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


def _viewer_data(
    found: Sequence[Mapping[str, Any]], preferred: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    colours = mpl.colormaps[DIVERGING_MAP]
    steps = [k / _COLOUR_STEPS for k in range(_COLOUR_STEPS + 1)]
    return {
        "scenes": list(found),
        "preferred": dict(preferred),
        "colours": [[step, to_hex(colours(step))] for step in steps],
        "element_colours": ELEMENT_COLOURS,
        "bohr_in_angstrom": BOHR_IN_ANGSTROM,
        "cube": CUBE,
    }


def _scenes(view: SurfaceView, config: Mapping[str, Any], results: Path) -> list[dict[str, Any]]:
    sources = sources_of(results / path for path in view.predictions)
    headline_grid = config["datasets"][view.dataset]["headline_grid"]
    widths = penetration_widths(config, view.dataset)
    reference = results / view.reference
    return scenes(
        view.dataset, view.molecules, view.grid, reference, sources, headline_grid, widths
    )


def _dataset(
    files: DatasetFiles,
    config: Mapping[str, Any],
    items: Sequence[PageItem],
    found: Sequence[Mapping[str, Any]],
    results: Path,
) -> dict[str, Any]:
    name = files.dataset
    row = config["datasets"][name]
    level = row["level_of_theory"]
    own = [(k, scene) for k, scene in enumerate(found) if scene["dataset"] == name]
    labels = {scene["id"]: scene["label"] for _, scene in own}
    return {
        "name": name,
        "anchor": f"dataset-{anchor(name)}",
        "archive": row["archive"],
        "note": files.note,
        "level": level_label(config["levels_of_theory"][level]) if level else "the archive's own",
        "level_name": level or "none computed",
        "network": row["network"],
        "sizes": split_sizes(results / files.verdicts, results / files.splits),
        "headline": headline(files, row, config["figures"]["showcase_variants"], results),
        "scenes": [(k, scene["label"]) for k, scene in own],
        "groups": groups((i for i in items if i.dataset == name), config, labels, results),
    }


def _in_bars(datasets: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of what the first pictures of the page show."""
    found = (dataset["headline"] for dataset in datasets)
    return {bar.name for headline in found if headline for bar in headline.bars}


def _origin(outputs: Iterable[Path]) -> tuple[str, str | None]:
    """Return when the last of some results was made, in words, and by which commit."""
    records = [read_record(record_path(output)) for output in outputs]
    last = max(records, key=lambda record: str(record.get("finished", "")))
    made = str(last.get("finished", ""))[:16].replace("T", ", ")
    return f"{made} UTC", last.get("git_commit")
