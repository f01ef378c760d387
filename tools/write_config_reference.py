"""Write config/README.md, the manual of every key, from the schemas.

Run from the repository's root: ``python tools/write_config_reference.py``; ``--check`` writes
nothing and fails where the file is not up to date.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

Keys that are unknown, missing or of the wrong type, and names of rows that do not exist, are
refused before anything runs, with file and line. Numbers may be written `2e-3` or `1_000`; `012` is
twelve; `true` and `yes`, `false` and `no` are the same where one of them is due; names such as
`NO`, `1:30` or `2026-11-27` need no quotes. Names of functionals and basis sets are PySCF's; they
are checked when a run starts that computes with them.

This page is
written by `tools/write_config_reference.py` from the schemas in `workflow/schemas`.
"""


STUDIES_HEAD: Final = """\
A study's file has the same sections as a run. Lists of tables, figures and showcase variants hold
what any study of the run asks for; another value must be the same in all of them, or be set by the
run. Its section `miniature` goes on top of a run with `miniature: true`: `make studies` runs each
study so. Claim, data and limits of each are on its page in `docs/studies`.
"""


@dataclass
class Key:
    """A key of the configuration; ``kinds`` are those of its section that know it, or none."""

    path: str
    types: list[str]
    default: str
    texts: list[str]
    kinds: list[str]

    def merge(self, other: "Key") -> None:
        """Add what another branch of the section says about the key."""
        self.types += [kind for kind in other.types if kind not in " or ".join(self.types)]
        if self.kinds:
            self.kinds += [kind for kind in other.kinds if kind not in self.kinds]
        self.texts += [text for text in other.texts if text not in self.texts]

    def row(self) -> str:
        """Return the key's row of the table."""
        meaning = " ".join(self.texts)
        if self.kinds:
            meaning = f"{meaning} Only of the kind {' or '.join(self.kinds)}."
        kinds = " or ".join(filter(None, self.types))
        return f"| `{self.path}` | {kinds} | {self.default} | {meaning} |"


def type_of(schema: dict[str, Any]) -> str:
    """Return what values a key takes, in words."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "")
    if not kind and "oneOf" in schema:
        return " or ".join(map(type_of, schema["oneOf"]))
    if kind == "array":
        return f"list of {type_of(schema['items'])}" if "items" in schema else "list"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def keys_of(
    schema: dict[str, Any], root: dict[str, Any], path: str, kinds: Sequence[str] = ()
) -> Iterator[Key]:
    """Yield every key below ``schema``, depth first, once for each branch that knows it."""
    if "$ref" in schema:
        file, _, place = schema["$ref"].partition("#/")
        root = read_schema(file) if file else root
        schema = reduce(getitem, place.split("/"), root) if place else root
    if path:
        default = f"`{schema['default']}`" if "default" in schema else ""
        text = schema.get("description", "").strip()
        yield Key(path, [type_of(schema)], default, [text] if text else [], list(kinds))
    prefix = f"{path}." if path else ""
    for branch in (schema, *schema.get("oneOf", [])):
        properties = branch.get("properties", {})
        named = () if branch is schema or "kind" not in properties else properties["kind"]
        own = [type_of(named)] if named else kinds
        for key, value in properties.items():
            yield from keys_of(value, root, f"{prefix}{key}", () if key == "kind" else own)
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
    keys: dict[str, Key] = {}
    for key in keys_of(schema, schema, ""):
        if key.path in keys:
            keys[key.path].merge(key)
        else:
            keys[key.path] = key
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(key.row() for key in keys.values() if key.texts)])


def studies() -> str:
    """Return what each study brings: variants, tables and figures."""
    rows = ["| study | variants | tables | figures |", "|---|---|---|---|"]
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml")):
        study = yaml.safe_load(path.read_text())
        lists = (
            study.get("variants", []),
            study.get("tables", {}).get("written", []),
            study.get("figures", {}).get("drawn", []),
        )
        rows.append(f"| `{path.stem}` | {' | '.join(', '.join(map(str, one)) for one in lists)} |")
    return "\n".join(rows)


def manual() -> str:
    """Return the whole page."""
    run, archives = reference("config.schema.yaml"), reference("archives.schema.yaml")
    parts = {
        "A run": run,
        "Studies, `studies/`": f"{STUDIES_HEAD}\n{studies()}",
        "Archives, `archives.yaml`": archives,
    }
    return HEAD + "".join(f"\n## {title}\n\n{text}\n" for title, text in parts.items())


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
