"""Ways to damage a valid file: its bytes, its words, its arrays."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

_NUMBERS: Final = (0, 1, 2, 3, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
_WORDS: Final = (
    "nan", "-inf", "1e999", "-1e308", "1*^400", "1*^-4", "*^", "--1", "+1", "1_000", "0x1F", "1.",
    ".", "-0.0", "00", "-1", "0", "99999999999999999999", "\u0663", "é", "\x00", "\x1b[31m", "",
    " ", "gdb", "Xx", "H", "InChI=", "InChI=1S/", "C" * 5000, "(" * 500, "[" * 300, "%s", "{}",
    "../../x", "\r",
)  # fmt: skip


def damage_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return the content with one to four changes."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if changed:
            rng.choice(_BYTE_CHANGES)(rng, changed)
    return bytes(changed)


def _flip(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _number(rng: random.Random, content: bytearray) -> None:
    size = rng.choice((1, 2, 4, 8))
    value = (rng.choice(_NUMBERS) + rng.choice((0, 0, -1, 1))) % 2 ** (8 * size)
    place = rng.randrange(len(content))
    content[place : place + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _noise(rng: random.Random, content: bytearray) -> None:
    place = rng.randrange(len(content))
    content[place : place + rng.randrange(8)] = rng.randbytes(rng.randrange(1, 17))


def _cut(rng: random.Random, content: bytearray) -> None:
    del content[rng.randrange(len(content)) :]


def _remove(rng: random.Random, content: bytearray) -> None:
    place = rng.randrange(len(content))
    del content[place : place + rng.randrange(1, 65)]


def _repeat(rng: random.Random, content: bytearray) -> None:
    place = rng.randrange(len(content))
    content[place:place] = content[place : place + rng.randrange(1, 257)]


def _swap(rng: random.Random, content: bytearray) -> None:
    size = rng.choice((1, 8, 64, 512))
    a, b = rng.randrange(len(content)), rng.randrange(len(content))
    one, other = content[a : a + size], content[b : b + size]
    content[a : a + len(other)], content[b : b + len(one)] = other, one


_BYTE_CHANGES: Final[Sequence[Callable[[random.Random, bytearray], None]]] = (
    _flip, _flip, _number, _number, _noise, _cut, _remove, _repeat, _swap,
)  # fmt: skip


def damage_words(rng: random.Random, content: bytes) -> bytes:
    """Return a text with one to four of its lines or words changed."""
    lines = [line.split("\t") for line in content.decode("latin-1").split("\n")]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.randrange(len(lines))
        words = lines[row] or [""]
        match rng.randrange(8):
            case 0:
                lines.insert(row, list(words))
            case 1 if len(lines) > 1:
                del lines[row]
            case 2:
                other = rng.randrange(len(lines))
                lines[row], lines[other] = lines[other], lines[row]
            case 3:
                words.insert(rng.randrange(len(words) + 1), rng.choice(_WORDS))
            case 4 if len(words) > 1:
                del words[rng.randrange(len(words))]
            case 5:
                line = lines[rng.randrange(len(lines))]
                words[rng.randrange(len(words))] = rng.choice(line or [""])
            case _:
                words[rng.randrange(len(words))] = rng.choice(_WORDS)
    separator = rng.choice(("\t", "\t", "\t", " ", "\t \t"))
    return "\n".join(separator.join(line) for line in lines).encode("utf-8", "replace")


def damage_array(rng: random.Random, values: np.ndarray) -> Any:
    """Return an array with other numbers, another type or another shape."""
    match rng.randrange(8):
        case 0:
            kind = rng.choice(("f4", "f2", ">f8", "i8", "u1", "c16", "S3", "?", "i1", ">i2"))
            return np.zeros_like(values, dtype=kind)
        case 1:
            return values[: rng.randrange(len(values) + 1)] if values.ndim else values[None]
        case 2:
            return np.concatenate([values, values]) if values.ndim else values
        case 3:
            return values[..., None] if rng.random() < 0.5 else values.ravel()
        case 4:
            return values.T
        case 5:
            return values.astype(float) * rng.choice((np.nan, np.inf, -1e300, 0.0, -1.0, 1e13))
        case _:
            changed = np.array(values)
            if changed.size:
                extreme = (0, -1, 2**31, -(2**63), 1e308, np.nan, -np.inf, 118, 119, 255)
                with np.errstate(all="ignore"):
                    place = rng.randrange(changed.size)
                    changed.flat[place] = np.asarray(rng.choice(extreme)).astype(changed.dtype)
            return changed
