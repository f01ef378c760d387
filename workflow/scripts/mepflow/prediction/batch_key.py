"""What the results of a call depend on, as a digest: inputs, models, options and the code."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = Path(__file__).resolve().parents[1]
_SOURCES: Final = (".py", ".cpp", ".hpp")


def batch_key(settings: Mapping[str, Any]) -> str:
    """Return the digest of settings, which are plain data, and of mepflow's own code."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    files = sorted(path for path in PACKAGE.rglob("*") if path.suffix in _SOURCES)
    digest.update(files_digest(files).encode())
    return digest.hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """Return the digest of the content of files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
