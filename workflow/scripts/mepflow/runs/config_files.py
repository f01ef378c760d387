"""The files of a run's configuration: read, put together, checked, and named where one is wrong.

Outside the standard library PyYAML and jsonschema are needed, which come with Snakemake, only to
read and check.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mepflow.errors import ConfigError, SettingError, shown
from mepflow.runs.schema_check import Keys, Source, check_schema
from mepflow.runs.studies import MINIATURE, complete_config, merged, study_names

ARCHIVES: Final = "config/archives.yaml"
DEFINITIONS: Final = "config/definitions.yaml"
STUDIES: Final = "config/studies"
_SCHEMAS: Final = "workflow/schemas"
_NOTHING: Final = object()


@dataclass(frozen=True)
class GivenSettings:
    """Settings that are in no file: of the command line, or of a workflow that has this one."""

    path: str
    content: Mapping[str, Any]

    def line(self, keys: Keys) -> int | None:
        """Return 0 where the key is among them, else None."""
        return None if self._value(keys) is _NOTHING else 0

    def word(self, keys: Keys) -> str | None:
        """Return a value as text, or None where there is no single one."""
        value = self._value(keys)
        return str(value) if isinstance(value, str | bool | int | float) else None

    def _value(self, keys: Keys) -> Any:
        value: Any = self.content
        for key in keys:
            try:
                value = value[key]
            except (LookupError, TypeError):
                return _NOTHING
        return value


def read_archives(root: Path) -> dict[str, Any]:
    """Return the rows of the raw archives, checked.

    Raises :class:`~mepflow.errors.MepflowError` as :func:`read_config` does.
    """
    from mepflow.storage.yaml_file import read_yaml

    file = read_yaml(root / ARCHIVES)
    with told_with_place([file]):
        check_schema(file.content, root / _SCHEMAS / "archives.schema.yaml", [file])
    return file.content


def read_config(
    root: Path, files: Sequence[Path], given: GivenSettings
) -> tuple[dict[str, Any], list[Source]]:
    """Return the configuration of a run, checked by its schema, and the files that it is from.

    The run is its own ``files`` with what is ``given`` besides on top; below ``root`` are the
    definitions and the studies that it names. Raises :class:`~mepflow.errors.InputError` where a
    file cannot be read and :class:`ConfigError` where one is wrong, with file and line.
    """
    from mepflow.storage.yaml_file import read_yaml

    own: list[Source] = [*map(read_yaml, files), given]
    run: dict[str, Any] = {}
    for file in own:
        run = merged(run, file.content)
    with told_with_place(own):
        known = [path.stem for path in (root / STUDIES).glob("*.yaml")]
        names = study_names(run, known)
    studies = {name: read_yaml(root / STUDIES / f"{name}.yaml") for name in names}
    for file in studies.values():
        with told_with_place([file]):
            block = file.content.get(MINIATURE, {})
            if not isinstance(block, dict):
                raise SettingError([MINIATURE], f"{shown(block)} is no section with settings")
    definitions = read_yaml(root / DEFINITIONS)
    sources: list[Source] = [definitions, *studies.values(), *own]
    with told_with_place(sources):
        contents = {name: file.content for name, file in studies.items()}
        config = complete_config(definitions.content, contents, run)
        check_schema(config, root / _SCHEMAS / "config.schema.yaml", sources)
    return config, sources


@contextlib.contextmanager
def told_with_place(sources: Sequence[Source]) -> Iterator[None]:
    """Put file and line before what a :class:`SettingError` of the block says."""
    try:
        yield
    except SettingError as error:
        raise ConfigError(f"{_place(sources, error.keys)}: {error}") from None


def _place(sources: Sequence[Source], keys: Keys) -> str:
    """Return the last of the sources that has the key, or the most of the sections around it."""
    for length in range(len(keys), 0, -1):
        for source in reversed(sources):
            line = source.line(keys[:length])
            if line is not None:
                return f"{_shown(source.path)} line {line}" if line else str(source.path)
    files = [source for source in sources if not isinstance(source, GivenSettings)]
    return _shown((files or sources)[-1].path)


def _shown(path: str | Path) -> str:
    """Return a path as a user would write it: from the working directory where it is below."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative
