"""The structures of a text, read at once."""

from collections.abc import Iterable

from mepflow.prediction.input_records import Entry, Record


def read_all(entries: Iterable[Entry]) -> list[Record]:
    """Read all entries; the first bad one raises."""
    return [entry.read() for entry in entries]
