"""Files of plain tensors, numbers and text, as ``torch.save`` writes them, from anywhere.

``weights_only=True`` runs no code of a file, but it lets a small file ask for any amount of memory:
a compressed tensor, or a ``bytearray`` of a terabyte. What is read here is not larger than the file
and made of tensors and plain containers only.
"""

import io
import pickletools
import zipfile
from pathlib import Path
from typing import Any, Final

import torch

from mepflow.storage.damage import DAMAGE
from mepflow.storage.files import atomic_path

_PICKLE: Final = "data.pkl"
_ALLOWED: Final = frozenset(
    {"torch._utils _rebuild_tensor_v2", "collections OrderedDict"}
    | {
        f"torch {kind}Storage"
        for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte")
    }
    | {"torch BoolStorage"}
)
"""What a pickle may name: a tensor, its storage, and the container of a module's weights."""


def write_tensor_file(path: Path, content: Any) -> None:
    """Write tensors, numbers, text and plain containers of them, atomically.

    The same content makes the same bytes: PyTorch would name the parts of a file after the file.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_tensor_file(path: Path) -> Any:
    """Return what a file holds, with its tensors on the CPU.

    Raises ``FileNotFoundError``, and ``ValueError`` where the file is damaged or holds anything but
    tensors, numbers, text and plain containers of them.
    """
    try:
        _check(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        raise ValueError(f"it is no whole file of tensors: {error}") from error


def _check(path: Path) -> None:
    """Raise ``ValueError`` where reading the file could take more memory than its size."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed")
        if sum(member.file_size for member in members) > size:
            raise ValueError(f"it claims more than its {size} bytes")
        for member in members:
            if member.filename.rpartition("/")[2] == _PICKLE:
                _check_pickle(archive.read(member))


def _check_pickle(content: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "STACK_GLOBAL" or (
            opcode.name in ("GLOBAL", "INST") and argument not in _ALLOWED
        ):
            raise ValueError(f"it names {argument}")
