"""Downloads: from a server on this machine that resumes, breaks off, or sends the wrong thing."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mepflow.archives.download import download
from mepflow.errors import InputError

CONTENT = np.random.default_rng(1).bytes(3_000_000)
BREAKS = 4
BODIES = {"/wrong": bytes(len(CONTENT)), "/long": CONTENT + CONTENT}
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at /whole; /wrong has other bytes and /long more of them.

    /breaks sends half of what is asked for, BREAKS times; /stuck does so once and then nothing;
    /forgetful breaks off too, and cannot resume.
    """

    requested: list[tuple[str, str | None]]
    broken = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.requested.append((self.path, span))
        if self.path == "/missing":
            self.send_error(404)
            return
        resumes = span is not None and self.path != "/forgetful"
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and resumes else 0
        body = BODIES.get(self.path, CONTENT)[start:]
        self.send_response(206 if resumes else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.sent(len(body))])

    def sent(self, size: int) -> int:
        """Return how many of ``size`` bytes are sent before the connection breaks off."""
        self.server.broken += 1
        if self.path == "/stuck":
            return size // 2 if self.server.broken == 1 else 0
        breaks = self.path in ("/breaks", "/forgetful") and self.server.broken <= BREAKS
        return size // 2 if breaks else size

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.requested = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(server: Server, folder: Path, *names: str) -> Path:
    urls = [f"http://127.0.0.1:{server.server_port}/{name}" for name in names]
    path = folder / "archive"
    download(urls, len(CONTENT), MD5, folder / "state" / "archive", path)
    return path


def test_whole_file(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, "whole").read_bytes() == CONTENT
    assert not (tmp_path / "state" / "archive").exists()


def test_broken_transfers_go_on_where_they_were(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, "breaks").read_bytes() == CONTENT
    assert len(server.requested) == BREAKS + 1
    assert server.requested[1] == ("/breaks", f"bytes={len(CONTENT) // 2}-")


def test_a_later_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off at 1500000 of 3000000 bytes"):
        fetch(server, tmp_path, "stuck")
    assert not (tmp_path / "archive").exists()
    assert fetch(server, tmp_path, "whole").read_bytes() == CONTENT
    assert server.requested[-1] == ("/whole", f"bytes={len(CONTENT) // 2}-")


def test_a_server_that_cannot_resume_starts_anew_and_stops(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off"):
        fetch(server, tmp_path, "forgetful")
    assert len(server.requested) == 2
    assert fetch(server, tmp_path, "forgetful", "whole").read_bytes() == CONTENT


def test_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, "missing", "wrong", "whole").read_bytes() == CONTENT
    assert [path for path, _ in server.requested] == ["/missing", "/wrong", "/whole"]


@pytest.mark.parametrize("name", ["wrong", "long"])
def test_wrong_file_is_never_kept(server: Server, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"put it there .*{MD5}"):
        fetch(server, tmp_path, name)
    assert not list(tmp_path.glob("archive"))
    assert not list((tmp_path / "state").iterdir())


def test_no_network_names_the_place_and_the_checksum(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        download(["http://127.0.0.1:9/x"], 5, MD5, tmp_path / "p", tmp_path / "archive")
    assert str(tmp_path / "archive") in str(caught.value)
    assert MD5 in str(caught.value)
