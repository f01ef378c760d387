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
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at /whole; /half breaks off once in the middle; /wrong has other bytes."""

    requested: list[tuple[str, str | None]]
    broke_off = False


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.requested.append((self.path, span))
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        body = (bytes(len(CONTENT)) if self.path == "/wrong" else CONTENT)[start:]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/half" and not self.server.broke_off:
            self.server.broke_off = True
            body = body[: len(body) // 2]
        self.wfile.write(body)

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


def test_broken_transfer_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="broke off"):
        fetch(server, tmp_path, "half")
    assert not (tmp_path / "archive").exists()
    assert fetch(server, tmp_path, "half").read_bytes() == CONTENT
    assert server.requested[-1] == ("/half", f"bytes={len(CONTENT) // 2}-")


def test_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, "missing", "wrong", "whole").read_bytes() == CONTENT
    assert [path for path, _ in server.requested] == ["/missing", "/wrong", "/whole"]


def test_wrong_file_is_never_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"put it there .*{MD5}"):
        fetch(server, tmp_path, "wrong")
    assert not list(tmp_path.glob("archive"))
    assert not list((tmp_path / "state").iterdir())


def test_no_network_names_the_place_and_the_checksum(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        download(["http://127.0.0.1:9/x"], 5, MD5, tmp_path / "p", tmp_path / "archive")
    assert str(tmp_path / "archive") in str(caught.value)
    assert MD5 in str(caught.value)
