"""A SLURM of one node on this machine, brought up as root for a test and taken down after it.

It has two pretended GPUs and pretended memory, so that jobs may ask for what a cluster has; no
accounting database and no control groups.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

# Where the commands look: Snakemake's executor hides SLURM_CONF from its job steps.
SETTINGS = Path("/etc/slurm/slurm.conf")
GPUS = Path("/etc/slurm/gres.conf")
HEADER = "# Written by the tests of mepflow, which delete it again.\n"
PACKAGES = ("slurm-wlm", "munge")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scancel", "squeue", "sinfo")
NODE_TIMEOUT_S = 10

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AuthType=auth/munge
# A job that is started anew after a crash of its node waits for as long as a credential is good.
AuthInfo=cred_expire=5
KillWait=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
# Cores alone are counted: the memory that the jobs ask for is more than a small machine has.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmdTimeout={timeout}
# A node that was down comes back by itself; ended jobs stay in squeue, which Snakemake asks.
ReturnToService=2
MinJobAge=86400
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=64000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
# SLURM wants a device file for each GPU; nothing ever opens these.
GRES_CONF = "Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n"


class SlurmUnavailableError(Exception):
    """No SLURM can be brought up here; the message says why."""


def run(*command: str) -> str:
    """Return what a command printed; it must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.05)


class LocalSlurm:
    """The daemons of a SLURM of one node, with their state in ``folder``."""

    def __init__(self, folder: Path, cores: int = 2) -> None:
        self.folder = folder
        self.cores = cores
        self._started = False
        self._started_munge = False

    def start(self) -> None:
        """Bring SLURM up; raises :class:`SlurmUnavailableError` where that cannot be done."""
        if os.geteuid() != 0:
            raise SlurmUnavailableError("only root can start SLURM's daemons")
        for path in (SETTINGS, GPUS):
            if path.exists() and not path.read_text().startswith(HEADER):
                raise SlurmUnavailableError(f"{path} is there already: this machine has a SLURM")
        _install()
        self._started = True
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        SETTINGS.parent.mkdir(exist_ok=True)
        SETTINGS.write_text(
            HEADER
            + SLURM_CONF.format(
                host=socket.gethostname().split(".")[0],
                folder=self.folder,
                cores=self.cores,
                timeout=NODE_TIMEOUT_S,
            )
        )
        GPUS.write_text(HEADER + GRES_CONF)
        self._start_munge()
        run("slurmctld", "-c")
        self.start_node()

    def stop(self) -> None:
        """End the daemons that were started here, and their jobs, and delete the configuration."""
        if not self._started:
            return
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
        for name in ("slurmd", "slurmctld"):
            self._end(self.folder / f"{name}.pid")
        if self._started_munge:
            self._end(Path("/run/munge/munged.pid"))
        for path in (SETTINGS, GPUS):
            path.unlink(missing_ok=True)

    def start_node(self) -> None:
        """Start the node's daemon and wait until the node takes jobs."""
        run("slurmd")
        wait_until(lambda: self.node_state() in ("idle", "mixed", "allocated"), "a working node")

    def crash_node(self) -> None:
        """Kill the node's daemon and every job on it, and wait until the controller knows."""
        daemon = psutil.Process(int((self.folder / "slurmd.pid").read_text()))
        steps = [p for p in psutil.process_iter(["name"]) if p.info["name"] == "slurmstepd"]
        jobs = [child for step in steps for child in step.children(recursive=True)]
        for process in (daemon, *steps, *jobs):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        wait_until(lambda: self.node_state().startswith("down"), "a node that is down")

    def node_state(self) -> str:
        """Return the node's state, as ``sinfo`` names it."""
        return run("sinfo", "--noheader", "--format=%T").strip()

    def jobs(self) -> dict[str, tuple[str, str]]:
        """Return state and comment (rule and wildcards) of every job, by its number."""
        lines = run("squeue", "--states=all", "--noheader", "--format=%i|%T|%k").splitlines()
        rows = [line.split("|", 2) for line in lines]
        return {number: (state, comment) for number, state, comment in rows}

    def running(self, comment: str) -> list[str]:
        """Return the numbers of the running jobs whose comment starts with ``comment``."""
        return [
            number
            for number, (state, text) in self.jobs().items()
            if state == "RUNNING" and text.startswith(comment)
        ]

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], check=False, capture_output=True).returncode != 0:
            run("install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge")
            run("su", "--shell", "/bin/sh", "munge", "--command", "/usr/sbin/munged")
            self._started_munge = True

    @staticmethod
    def _end(pid_file: Path) -> None:
        try:
            process = psutil.Process(int(pid_file.read_text()))
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        except (OSError, ValueError, psutil.Error):
            return


def _install() -> None:
    """Install SLURM's Debian packages unless they are there."""
    if all(shutil.which(program) for program in PROGRAMS):
        return
    if shutil.which("apt-get") is None:
        raise SlurmUnavailableError(f"{', '.join(PROGRAMS)} are not installed")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "--quiet", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
        raise SlurmUnavailableError(f"apt-get cannot install {' '.join(PACKAGES)}: {reason}")
