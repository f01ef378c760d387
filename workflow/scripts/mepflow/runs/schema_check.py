"""Whether a configuration is what its schema says; what is not is one sentence with file and line.

Values that are meant well are put right: ``yes`` where a truth value is due, ``2026`` where a name
is. Outside the standard library jsonschema is needed, which comes with Snakemake, only to check.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from mepflow.errors import SettingError, choice, nearest, shown

Keys = Sequence[str | int]


class Source(Protocol):
    """Where settings are from: a file of :mod:`mepflow.storage.yaml_file`, or a command line."""

    @property
    def path(self) -> str | Path:
        """Its name for the user."""

    @property
    def content(self) -> Mapping[str, Any]:
        """The settings."""

    def line(self, keys: Keys) -> int | None:
        """Return the line in which a key stands, 0 where there are no lines, None without it."""

    def word(self, keys: Keys) -> str | None:
        """Return a value as it was written, or None where that is not known."""


_TRUTH: Final = {"yes": True, "on": True, "no": False, "off": False}
_KINDS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list, [a, b]",
    "object": "a section with keys of its own",
    "null": "null",
}
_ORDER: Final = {"additionalProperties": 0, "required": 1, "oneOf": 3}
"""Which kinds of errors are told before and after others: a misspelt key is missing, too."""


def check_schema(content: dict[str, Any], schema: Path, sources: Sequence[Source] = ()) -> None:
    """Check ``content`` against a schema, and fill in defaults and what was meant.

    ``sources`` are where the content is from, later ones on top. Raises :class:`SettingError` for
    the first key that is wrong.
    """
    validator = _validator(schema)
    for error in list(validator.iter_errors(content)):
        _put_right(content, error, sources)
    errors = list(validator.iter_errors(content))
    if errors:
        raise _explained(_branch(min(errors, key=_rank)))


def _validator(path: Path) -> Any:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry, Resource

    from mepflow.storage.yaml_file import read_yaml

    check_properties = Draft202012Validator.VALIDATORS["properties"]

    def with_defaults(validator: Any, properties: Any, instance: Any, schema: Any) -> Any:
        if isinstance(instance, dict):
            for name, row in properties.items():
                if "default" in row:
                    instance.setdefault(name, row["default"])
        yield from check_properties(validator, properties, instance, schema)

    def retrieve(name: str) -> Any:
        return Resource.from_contents(read_yaml(path.parent / name).content)

    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    )
    kind = validators.extend(
        Draft202012Validator, {"properties": with_defaults}, type_checker=types
    )
    registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs makes it
    return kind(read_yaml(path).content, registry=registry)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _put_right(content: dict[str, Any], error: Any, sources: Sequence[Source]) -> None:
    """Put the value of an error right, where it is only of another type than was meant."""
    keys = list(error.absolute_path)
    if error.validator != "type" or not keys:
        return
    meant = _meant(error.instance, error.validator_value, keys, sources)
    if meant is not None:
        holder: Any = content
        for key in keys[:-1]:
            holder = holder[key]
        holder[keys[-1]] = meant


def _meant(value: Any, types: Any, keys: Keys, sources: Sequence[Source]) -> Any:
    """Return what a value was meant to be, or None."""
    known = {types} if isinstance(types, str) else set(types)
    if "boolean" in known and isinstance(value, str):
        return _TRUTH.get(value.lower())
    if "integer" in known and isinstance(value, float) and value.is_integer():
        return int(value)
    if "string" in known and isinstance(value, bool | int | float):
        words = (source.word(keys) for source in reversed(sources))
        return next((word for word in words if word is not None), str(value))
    return None


def _rank(error: Any) -> tuple[int, list[str]]:
    return _ORDER.get(error.validator, 2), list(map(str, error.absolute_path))


def _branch(error: Any) -> Any:
    """Return, of a choice between kinds of rows, what is wrong with the kind that is named."""
    if error.validator != "oneOf" or "kind" not in (error.instance or ()):
        return error
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    kinds = [inner for inner in error.context if list(inner.path) == ["kind"]]
    named = [b for b in branches.values() if not any(inner in kinds for inner in b)]
    if named:
        return min(named[0], key=_rank)
    kinds[0].validator, kinds[0].validator_value = "enum", [k for e in kinds for k in _allowed(e)]
    return kinds[0]


def _allowed(error: Any) -> list[Any]:
    wanted = error.validator_value
    return list(wanted) if error.validator == "enum" else [wanted]


def _explained(error: Any) -> SettingError:
    """Return the one sentence on an error of jsonschema."""
    keys = list(error.absolute_path)
    explain = {
        "additionalProperties": _unknown_key,
        "required": _missing_key,
    }.get(error.validator, _wrong_value)
    return explain(error, keys)


def _unknown_key(error: Any, keys: list[str | int]) -> SettingError:
    known = list(error.schema.get("properties", ()))
    name = next(key for key in error.instance if key not in known)
    absent = [key for key in known if key not in error.instance]
    # A key that is there already may be meant all the same.
    offered = absent if nearest(name, absent) or not nearest(name, known) else known
    return SettingError([*keys, name], f"there is no such key; {choice(name, offered or known)}")


def _missing_key(error: Any, keys: list[str | int]) -> SettingError:
    name = next(key for key in error.validator_value if key not in error.instance)
    text = error.schema.get("properties", {}).get(name, {}).get("description", "")
    return SettingError([*keys, name], f"this key is missing; add it{_about(text)}")


def _wrong_value(error: Any, keys: list[str | int]) -> SettingError:
    about = _about(error.schema.get("description", ""))
    return SettingError(keys, f"{_problem(error)}{about}")


def _about(description: str) -> str:
    text = " ".join(description.split()).rstrip(".")
    return f" ({text[:1].lower() + text[1:]})" if text else ""


def _problem(error: Any) -> str:
    """Return what is wrong with a value, in words."""
    value, wanted = shown(error.instance), error.validator_value
    match error.validator:
        case "type":
            types = [wanted] if isinstance(wanted, str) else wanted
            quoted = isinstance(error.instance, str) and _is_numeral(error.instance)
            hint = "; leave the quotes out" if quoted else ""
            return f"{value} is not {' or '.join(_KINDS[name] for name in types)}{hint}"
        case "enum":
            return f"there is no {value}; {choice(str(error.instance), map(str, wanted))}"
        case "minimum" | "maximum":
            return f"{value} is {_side(error.validator)} {wanted}; give another number"
        case "exclusiveMinimum":
            return f"{value} is not above {wanted}; give a larger number"
        case "exclusiveMaximum":
            return f"{value} is not below {wanted}; give a smaller number"
        case "minItems" | "minProperties":
            return "nothing is named; name at least one"
        case "uniqueItems":
            return f"{shown(_repeated(error.instance))} is named twice; keep one of the two"
        case "pattern":
            return f"{value} has a character that may not be there, or is empty; choose another"
        case "oneOf":
            inner = dict.fromkeys(_problem(found) for found in error.context)
            return ", and ".join(inner)
    return " ".join(str(error.message).split())


def _side(validator: str) -> str:
    return "below" if validator == "minimum" else "above"


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _repeated(items: Iterable[Any]) -> Any:
    seen: list[Any] = []
    for item in items:
        if item in seen:
            return item
        seen.append(item)
    return seen
