"""Fetching an archive: from the first address that works, resumed where it broke off, checked."""

import hashlib
import logging
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final

from tqdm import tqdm

from mepflow.errors import InputError

log = logging.getLogger(__name__)

_BLOCK_BYTES: Final = 1 << 20
_TIMEOUT_SECONDS: Final = 60


def download(urls: Sequence[str], size: int, md5: str, partial: Path, path: Path) -> None:
    """Fetch a file of ``size`` bytes with the checksum ``md5`` to ``path``.

    What was fetched so far stays in ``partial``, on the same file system, from where a later call
    goes on, and from where the file is moved once it is whole. Raises :class:`InputError` where no
    address gives the right file: it says where to put it by hand.
    """
    partial.parent.mkdir(parents=True, exist_ok=True)
    problems = []
    for url in urls:
        try:
            _fetch_all(url, size, partial)
            _check(partial, size, md5)
        except (OSError, HTTPException, InputError) as error:
            problems.append(f"{url}: {error}")
            log.warning("%s", problems[-1])
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(path)
        return
    raise InputError(
        f"{path} could not be fetched ({'; '.join(problems)}): fetch it elsewhere, put it there "
        f"({size} bytes, md5 {md5}) and run again."
    )


def _fetch_all(url: str, size: int, partial: Path) -> None:
    """Fetch from one address, again where it breaks off, for as long as each time brings more."""
    most = -1
    while most < (have := _bytes_of(partial)) < size:
        most = have
        try:
            _fetch(url, size, partial)
        except (OSError, HTTPException):
            if _bytes_of(partial) <= most:
                raise
        log.info("%s: %d of %d bytes", url, _bytes_of(partial), size)


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(url: str, size: int, partial: Path) -> None:
    """Append to ``partial`` what is missing; start anew where the server cannot resume."""
    have = _bytes_of(partial)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        resumed = have > 0 and getattr(response, "status", None) == 206
        with (
            partial.open("ab" if resumed else "wb") as file,
            tqdm(
                total=size,
                initial=have if resumed else 0,
                unit="B",
                unit_scale=True,
                desc=partial.name,
                disable=None,
            ) as bar,
        ):
            # One block more than the size shows a file that is too long without fetching it all.
            while (block := response.read(_BLOCK_BYTES)) and file.tell() <= size:
                file.write(block)
                bar.update(len(block))


def _check(partial: Path, size: int, md5: str) -> None:
    """Raise :class:`InputError` where the file is not the right one; a wrong one is removed."""
    have = partial.stat().st_size
    if have < size:
        raise InputError(f"the transfer broke off at {have} of {size} bytes")
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if have != size or found != md5:
        partial.unlink()
        raise InputError(f"{have} bytes with md5 {found} instead of {size} bytes with md5 {md5}")
