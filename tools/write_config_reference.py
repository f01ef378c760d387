"""Write config/README.md, the manual of every key, from the schemas.

Run from the repository's root: ``python tools/write_config_reference.py``; ``--check`` writes
nothing and fails where the file is not up to date.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
SCHEMAS: Final = ROOT / "workflow" / "schemas"
OUTPUT: Final = ROOT / "config" / "README.md"

HEAD: Final = """\
# Configuration

A run is described by `definitions.yaml`, whose rows every run shares, by the studies that it names,
files of `studies/`, and by one file of its own: `config.yaml`, the embedded default, or another one
given with `--configfile`, such as `paper.yaml`. A study goes on top of the definitions, the run's
file on top of its studies: each may add rows or change some of their keys. Single keys can be set
on the command line, for example `--config results=elsewhere`. Archives are rows of `archives.yaml`.

A new model variant, level of theory, grid or network size is a new row; nothing else changes.

Keys that are unknown, missing or of the wrong type are refused before anything runs. This page is
written by `tools/write_config_reference.py` from the schemas in `workflow/schemas`.
"""


def type_of(schema: dict[str, Any]) -> str:
    """Return what values a key takes, in words."""
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {type_of(schema['items'])}" if "items" in schema else "list"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def keys_of(schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    """Yield (key, type, default, description) of every key below ``schema``, depth first."""
    if "$ref" in schema:
        file, _, place = schema["$ref"].partition("#/")
        root = read_schema(file) if file else root
        schema = reduce(getitem, place.split("/"), root) if place else root
    if path:
        default = f"`{schema['default']}`" if "default" in schema else ""
        yield path, type_of(schema), default, schema.get("description", "").strip()
    prefix = f"{path}." if path else ""
    for branch in (schema, *schema.get("oneOf", [])):
        for key, value in branch.get("properties", {}).items():
            if value.get("description") or "$ref" in value or branch is schema:
                yield from keys_of(value, root, f"{prefix}{key}")
    rows = schema.get("additionalProperties")
    if isinstance(rows, dict):
        yield from keys_of(rows, root, f"{prefix}NAME")
    if schema.get("type") == "array" and schema["items"].get("type") == "object":
        yield from keys_of(schema["items"], root, f"{path}[]")


def read_schema(name: str) -> dict[str, Any]:
    """Return a schema by its path below ``workflow/schemas``."""
    schema: dict[str, Any] = yaml.safe_load((SCHEMAS / name).read_text())
    return schema


def reference(schema_file: str) -> str:
    """Return the table of keys of a schema."""
    schema = read_schema(schema_file)
    rows: dict[str, tuple[str, ...]] = {}
    for key, *rest in keys_of(schema, schema, ""):
        rows.setdefault(key, (key, *rest))
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {kind} | {default} | {text} |"
        for key, kind, default, text in rows.values()
        if text
    ]
    return "\n".join(lines)


def manual() -> str:
    """Return the whole page."""
    run, archives = reference("config.schema.yaml"), reference("archives.schema.yaml")
    return f"{HEAD}\n## A run\n\n{run}\n\n## Archives, `archives.yaml`\n\n{archives}\n"


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only tell whether it is up to date")
    if not parser.parse_args().check:
        OUTPUT.write_text(manual())
    elif OUTPUT.read_text() != manual():
        sys.exit("config/README.md is not up to date: run tools/write_config_reference.py")


if __name__ == "__main__":
    main()
