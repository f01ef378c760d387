"""The package as a house: rooms on floors, no circle, small files and small functions.

Floors stand in the table of `docs/architecture.md`, lower ones first.
"""

import ast
import graphlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "scripts" / "mepflow"
GROUND = "ground"
FLOORS = (
    (GROUND, "storage"),
    ("molecules",),
    ("geometry", "electrostatics"),
    ("charges",),
    ("archives",),
    ("selection",),
    ("qm",),
    ("nn",),
    ("models",),
    ("training",),
    ("runs",),
    ("evaluation",),
    ("densities",),
    ("dynamics",),
    ("tables",),
    ("plots",),
    ("page",),
    ("prediction",),
    ("judging",),
)
"""Rooms from the ground up. Rooms of one floor do not import each other, but for the lowest."""
LOOSE = {"molecules"}
"""Loose modules that stand on a floor of their own, above the ground."""
WORKFLOW = "runs"
"""The workflow reads this room at each start: no package but the standard library may be needed."""
FACES = {"__init__", "__main__"}
"""They may import any room, where it is asked for."""
MOST_LOOSE, MOST_LINES, LONGEST, MEDIAN, NINE_TENTHS = 10, 300, 60, 10, 25

FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def module_of(name: str) -> str:
    parts = ["mepflow", *name.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text())


MODULES = {module_of(name): name for name in FILES}


def imports(name: str, top_only: bool = False) -> Iterator[str]:
    """Yield the modules of the package, or packages outside, that a file imports."""
    body = tree(name).body
    for node in body if top_only else ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = str(node.module)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def own_imports(name: str, top_only: bool = False) -> set[str]:
    return {found for found in imports(name, top_only) if found.split(".")[0] == "mepflow"}


def room_of(module: str) -> str:
    parts = module.split(".")[1:]
    if not parts or parts[0] in FACES:
        return "face"
    if MODULES[module].count("/") or parts[0] in LOOSE:
        return parts[0]
    return GROUND


def functions() -> Iterator[tuple[str, int]]:
    for name in FILES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", int(node.end_lineno or 0) - node.lineno + 1


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in MODULES} - {"face"}
    assert rooms == {room for floor in FLOORS for room in floor}


def test_few_modules_are_loose() -> None:
    loose = [name for name in FILES if "/" not in name]
    assert len(loose) <= MOST_LOOSE, loose


def test_no_name_is_in_two_rooms() -> None:
    places: dict[str, list[str]] = {}
    for name in FILES:
        if not name.endswith("__init__.py"):
            places.setdefault(name.rpartition("/")[2], []).append(name)
    assert {name: its for name, its in places.items() if len(its) > 1} == {}


def test_lower_floors_never_import_upper_ones() -> None:
    level = {room: height for height, floor in enumerate(FLOORS) for room in floor}
    wrong = []
    for module, name in MODULES.items():
        room = room_of(module)
        for other in own_imports(name):
            below = room_of(other)
            if room == "face" or below in (room, "face") or level[room] == level[below] == 0:
                continue
            if level[below] >= level[room]:
                wrong.append(f"{module} imports {other}")
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: own_imports(name, top_only=True) - {module} for module, name in MODULES.items()
    }
    circle: list[str] = []
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_what_the_workflow_reads_needs_the_standard_library_only() -> None:
    modules = [module for module in MODULES if room_of(module) == WORKFLOW] + ["mepflow.errors"]
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import {', '.join(modules)}"
    # Without site packages, any other import fails.
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_files_are_small() -> None:
    assert [name for name, path in FILES.items() if path.read_text().count("\n") > MOST_LINES] == []


def test_functions_are_short() -> None:
    lengths = dict(functions())
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(lengths.values()) <= MEDIAN
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= NINE_TENTHS


def test_the_architecture_names_the_rooms_in_this_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    block = text[text.index("Modules of the package, lower ones first") :]
    block = block[: block.index("## ")]
    places = {room: re.search(rf"^    (?:.*, )?{room}\b", block, re.M)
              for floor in FLOORS for room in floor if room != GROUND}  # fmt: skip
    assert [room for room, place in places.items() if place is None] == []
    starts = [min(places[room].start() for room in floor if room in places) for floor in FLOORS[1:]]
    assert starts == sorted(starts)
