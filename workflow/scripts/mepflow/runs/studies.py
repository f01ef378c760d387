"""A run's configuration, put together: definitions, then those of its studies, then its own file.

A study is a file of ``config/studies`` with sections like a run's: rows (variants, networks),
settings, and which tables and figures it makes. Its section ``miniature`` goes on top of a run that
is one. Only the standard library is imported.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mepflow.errors import SettingError, choice, shown

Config = Mapping[str, Any]

MINIATURE: Final = "miniature"
"""Key of a run that is a miniature, and section of a study with what makes it one."""
_GATHERED: Final = (
    "figures.drawn",
    "figures.showcase_variants",
    "tables.written",
    "learning_curve.variants",
    "learning_curve.fractions",
)
"""Lists that hold what any study of a run asks for. Other values must be the same in all."""


def study_names(run: Config, known: Iterable[str]) -> list[str]:
    """Return the studies that a run names; a value that is no list is left to the schema.

    Raises :class:`SettingError` for one that is not among ``known``.
    """
    names = run.get("studies")
    if not isinstance(names, list):
        return []
    there = sorted(known)
    for number, name in enumerate(names):
        if name not in there:
            problem = f"there is no {shown(name)} in config/studies; {choice(str(name), there)}"
            raise SettingError(["studies", number], problem)
    return names


def complete_config(
    definitions: Config, studies: Mapping[str, Config], run: Config
) -> dict[str, Any]:
    """Return the definitions with the studies on top, and the run on top of these.

    Sections are merged key by key. A run that names no ``training.variants`` trains all rows of
    ``variants``. Raises :class:`SettingError` where two studies disagree about a value that the run
    does not set.
    """
    config = merged(definitions, _joined(studies, (MINIATURE,), run))
    config = merged(config, run)
    if run.get(MINIATURE):
        blocks = {name: study.get(MINIATURE, {}) for name, study in studies.items()}
        config = merged(config, _joined(blocks, (), {}))
    training, variants = config.get("training"), config.get("variants")
    if isinstance(training, dict) and isinstance(variants, Mapping):
        training.setdefault("variants", list(variants))
    return config


def merged(base: Config, top: Config) -> dict[str, Any]:
    """Return ``base`` with the values of ``top``, section by section; neither is changed.

    A section or row that is null on top is left out.
    """
    result = {key: _copied(value) for key, value in base.items()}
    for key, value in top.items():
        under = result.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            result[key] = merged(under, value)
        elif isinstance(under, Mapping) and value is None:
            del result[key]
        else:
            result[key] = _copied(value)
    return result


def _copied(value: Any) -> Any:
    return merged(value, {}) if isinstance(value, Mapping) else value


def _joined(studies: Mapping[str, Config], left_out: Iterable[str], run: Config) -> dict[str, Any]:
    """Return what the studies say together, without some of their sections."""
    together: dict[str, Any] = {}
    for name, study in studies.items():
        sections = {key: value for key, value in study.items() if key not in left_out}
        together = _with_study(together, sections, run, name, "")
    return together


def _with_study(
    together: Config, study: Config, run: Config, name: str, place: str
) -> dict[str, Any]:
    result = dict(together)
    for key, value in study.items():
        before: Any = result.get(key, value)
        here = f"{place}{key}"
        own = run.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            below = own if isinstance(own, Mapping) else {}
            result[key] = _with_study(before, value, below, name, f"{here}.")
        elif here in _GATHERED and isinstance(before, list) and isinstance(value, list):
            result[key] = before + [item for item in value if item not in before]
        elif before == value or own is not None:
            result[key] = value
        else:
            raise SettingError(
                here.split("."),
                f"the study {name!r} says {value!r}, another one of the run {before!r}: set it in"
                " the run's own file",
            )
    return result
