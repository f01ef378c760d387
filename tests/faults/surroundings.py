"""Faults of what is around a run: disks, clocks, memory, a second run."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from bench import MODEL, REFERENCE, RESULTS, TABLES, Bench, Copy, results_of, wait_for
from tiny_repository import TINY_ARCHIVE

DAY: Final = 86_400.0
FULL: Final = "the disk is full or the quota used up: make room and run again"
FILL_LEVELS: Final = (0.03, 0.35, 0.6, 0.85, 0.97)
"""Sizes of the disk, between what the run has at its start (0) and at its end (1)."""


def no_mounts() -> str:
    """Return why no file system can be mounted here, or nothing."""
    if os.geteuid() != 0:
        return "needs root, to mount a small file system"
    if shutil.which("mount") is None:
        return "needs mount"
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "needs the right to mount"


class SmallDisk:
    """A file system of its own, in memory, for the results of a copy."""

    def __init__(self, copy: Copy) -> None:
        self.folder = copy.root / "results"
        kept = copy.root / "kept"
        self.folder.rename(kept)
        self.folder.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=64m", "tmpfs")
        shutil.copytree(kept, self.folder, dirs_exist_ok=True)
        shutil.rmtree(kept)

    def resize(self, kilobytes: int) -> None:
        """Change the size of the disk."""
        self._mount("-o", f"remount,size={kilobytes}k")

    def writable(self, yes: bool) -> None:
        """Allow or forbid to write."""
        self._mount("-o", f"remount,{'rw' if yes else 'ro'}")

    def used_kilobytes(self) -> int:
        """Return how much of the disk is used."""
        usage = os.statvfs(self.folder)
        return (usage.f_blocks - usage.f_bfree) * usage.f_frsize // 1024

    def remove(self) -> None:
        """Put the results back onto the disk of the copy."""
        kept = self.folder.with_name("kept")
        shutil.copytree(self.folder, kept)
        subprocess.run(["umount", str(self.folder)], check=True)
        self.folder.rmdir()
        kept.rename(self.folder)

    def _mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments, str(self.folder)], check=True)


def full_disk(bench: Bench) -> tuple[int, str]:
    """Let the disk of the results fill up at five places of one run."""
    copy = bench.copy()
    disk = SmallDisk(copy)
    try:
        first = disk.used_kilobytes()
        last = kilobytes_of(bench.whole.root / "results")
        for level in FILL_LEVELS:
            disk.resize(int(first + level * (last - first)))
            message = copy.failure()
            assert FULL in message, message[-4000:]
            require_clear(message)
            problems = [text for text in bench.problems(copy) if text.endswith("differs")]
            assert not problems, f"half-written files are taken for results: {problems}"
        disk.resize(65536)
        copy.run()
    finally:
        disk.remove()
    bench.require_recovered(copy)
    return len(FILL_LEVELS), "one sentence each; same results once there was room"


def read_only_folder(bench: Bench) -> tuple[int, str]:
    """Forbid to write the results: at the start of a run, and while it trains."""
    copy = bench.copy()
    disk = SmallDisk(copy)
    try:
        disk.writable(False)
        message = copy.failure()
        assert "Read-only file system" in message, message
        assert "set `results` to another folder" in message, message
        require_clear(message)
        disk.writable(True)
        copy.run()
    finally:
        disk.remove()
    bench.require_recovered(copy)
    return 1, "one sentence; same results once it could be written"


def second_run(bench: Bench) -> tuple[int, str]:
    """Start a run where another one works."""
    copy = bench.copy()
    first = copy.start()
    assert wait_for(lambda: copy.processes("compute_reference")), copy.printed()
    message = copy.failure()
    assert "Directory cannot be locked" in message, message
    assert "no other Snakemake process" in message, message
    assert first.wait(600) == 0, copy.printed()
    bench.require_recovered(copy)
    return 1, "the second stops at once and says why; the first is undisturbed"


def clock_skew(bench: Bench) -> tuple[int, str]:
    """Date files into the future and into the past, finished runs and half of one."""
    now = time.time()
    for offset in (DAY, -10_000 * DAY):
        copy = bench.copy(bench.whole)  # all files at once: their order stays as it was
        for path in copy.root.rglob("*"):
            if path.is_file() and ".snakemake" not in path.parts:
                date(path, path.stat().st_mtime + offset)
        bench.require_recovered(copy)
    for name in (TINY_ARCHIVE, f"{RESULTS}/molecules/candidates.h5", REFERENCE):
        copy = bench.copy(bench.whole)  # one file, as a node whose clock is wrong would leave it
        date(copy.root / name, now + DAY)
        before = results_of(copy)
        if copy.planned(*TABLES):  # else it is left alone
            message = copy.failure()
            assert f"`touch {name}`, and run again" in message, message[-4000:]
            require_clear(message)
            assert results_of(copy) == before, "a result was removed"
            (copy.root / name).touch()
        copy.run()
        assert copy.planned(*TABLES) == {}, "files of the future are made again and again"
        bench.require_recovered(copy)
    copy = bench.copy(bench.whole)  # results that seem older than their inputs are made again
    for path in (copy.root / MODEL).rglob("*"):
        date(path, now - 10_000 * DAY)
    assert copy.planned(*TABLES)["train_model"] == 1
    copy.run()
    bench.require_recovered(copy)
    return 6, "finished files stay; a file ahead is named before the work; same results"


def memory(bench: Bench) -> tuple[int, str]:
    """Give the reference jobs an address space of their mem_mb, and let them need more."""
    copy = bench.copy()
    script = copy.root / "workflow" / "scripts" / "compute_reference.py"
    text = script.read_text()
    hungry = """    import resource
    row = snakemake.config["datasets"][snakemake.wildcards.dataset]
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit = used + (snakemake.resources.mem_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    ballast = bytes(3 * row["shard_memory_mb"] << 19)
"""
    begin = "with job(snakemake):\n"
    assert begin in text
    script.write_text(text.replace(begin, begin + hungry))
    message = copy.failure()
    assert "Memory ran out in rule compute_reference" in message, message
    assert "--set-resources compute_reference:mem_mb=" in message, message
    require_clear(message)
    copy.snakemake("--retries", "1", *TABLES)
    script.write_text(text)
    problems = bench.problems(copy)
    assert not problems, problems
    return 2, "one sentence; with --retries 1 run again with twice the memory, same results"


def date(path: Path, seconds: float) -> None:
    """Set the time at which a file was changed."""
    os.utime(path, (seconds, seconds))


def kilobytes_of(folder: Path) -> int:
    """Return the size of a folder's files in whole pages, as a file system in memory counts."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(-(-size // 4096) * 4 for size in sizes)


def require_clear(message: str) -> None:
    """Check that a message names what happened in place of a traceback."""
    assert "Traceback" not in message, message[-4000:]
