"""Predictions as JSON: one document, whose molecules stand in a line each.

A molecule's entries are those of its row in ``multipoles.csv``, with full precision, and under
``atoms`` the columns of ``atoms.csv``; what is not a number is null. One that could not be
predicted has a name, a source and the reason, ``failure``.
"""

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

FORMAT: Final = "mepflow predictions"
FORMAT_VERSION: Final = 1


def json_line(row: Mapping[str, Any], atoms: Mapping[str, list[Any]] | None = None) -> str:
    """Return the line of a molecule."""
    content: dict[str, Any] = {name: _plain(value) for name, value in row.items()}
    if atoms is not None:
        own = {name: values for name, values in atoms.items() if name != "name"}
        content["atoms"] = {name: [_plain(v) for v in values] for name, values in own.items()}
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def write_document(lines: Path, model: str, file: TextIO) -> None:
    """Write the document of a file of lines, with a comma after each but the last."""
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "model": model}
    file.write(json.dumps(head)[:-1] + ', "molecules": [\n')
    with lines.open(encoding="utf-8") as source:
        shutil.copyfileobj(source, file)
    file.write("\n]}\n")
