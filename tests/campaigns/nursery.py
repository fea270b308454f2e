"""Starts the adapter's processes quickly: a process that has imported everything forks them, so a start takes 20 ms.

A child is a process like any other: its own session, its own environment, its log in a file, its signals as default;
it runs the very command that is given (`adapter …`, `gunicorn …`, or the fake API). There are two such processes, for
the web process has its threads replaced before anything is imported. Run as `python -m campaigns.nursery FD [web]`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

ROOT = Path(__file__).parents[2]
_LONGEST_MESSAGE = 65536
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux.


@dataclass(slots=True)
class Child:
    """A running process, held by a file descriptor, so that no signal can reach another one with its number."""

    pid: int
    log: Path
    _fd: int | None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._fd is not None and not select.select([self._fd], [], [], 0)[0]

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._fd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; return whether it did in time."""
        return self._fd is None or bool(select.select([self._fd], [], [], seconds)[0])

    def kill(self) -> None:
        """Kill it alone (SIGKILL), and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def kill_all(self) -> None:
        """Kill it and every process that it has started."""
        if self._fd is None:
            return
        # Also when it has ended itself: gunicorn's workers outlive a killed master for a moment.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(10)
        os.close(self._fd)
        self._fd = None

    def children(self) -> list[int]:
        """Return the process ids of its own children."""
        with suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []


class Nursery:
    """The forking processes, each started when it is first needed. Whoever starts a child ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rooms: dict[str, _Room] = {}

    def start(
        self, log: Path, environment: Mapping[str, str], *command: str, listening: socket.socket | None = None
    ) -> Child:
        """Start a command; `{fd}` in its words becomes the number under which it has the listening socket."""
        kind = "web" if command[0] == "gunicorn" else "plain"
        if kind not in self._rooms:
            self._rooms[kind] = _Room(self._folder, kind)
        return self._rooms[kind].start(log, environment, *command, listening=listening)

    def close(self) -> None:
        """End the nursery itself."""
        for room in self._rooms.values():
            room.close()


class _Room:
    """One forking process."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        with theirs, (folder / "nursery.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "campaigns.nursery", str(theirs.fileno()), kind],
                cwd=ROOT,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(
        self, log: Path, environment: Mapping[str, str], *command: str, listening: socket.socket | None = None
    ) -> Child:
        """Start a command, as the nursery says."""
        message = json.dumps({"log": str(log), "environment": dict(environment), "command": command}).encode()
        fds = [] if listening is None else [listening.fileno()]
        socket.send_fds(self._socket, [message], fds)
        answer = self._socket.recv(64)
        if not answer:
            raise RuntimeError("the nursery has ended; see nursery.log in its folder")
        pid = int(answer)
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            fd = None
        return Child(pid, log, fd)

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def wait_until(is_so: Any, seconds: float, every: float = 0.02) -> bool:
    """Ask again and again until it is so; return whether it was within this time."""
    deadline = monotonic() + seconds
    while not is_so():
        if monotonic() > deadline:
            return False
        sleep(every)
    return True


def _serve(requests: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the children here: a pidfd tells when one ends.
    while True:
        message, fds, _flags, _address = socket.recv_fds(requests, _LONGEST_MESSAGE, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            requests.close()
            _become(json.loads(message), fds)
        for fd in fds:
            os.close(fd)
        requests.sendall(str(pid).encode())


def _become(order: dict[str, Any], fds: Sequence[int]) -> None:
    """Run a command in this fresh process, and end with it."""
    os.setsid()
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # Should the tests be killed, nothing stays behind.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    for fd in fds:
        os.set_inheritable(fd, True)
    sys.argv = [word.format(fd=fds[0]) if fds else word for word in order["command"]]
    os._exit(_run(sys.argv[0]))


def _run(command: str) -> int:
    from campaigns import failpoints  # noqa: PLC0415  # In the child alone.

    failpoints.arm(os.environ)
    try:
        if command == "gunicorn":
            from gunicorn.app.wsgiapp import run  # noqa: PLC0415  # As above.

            run()
        elif command == "fake_api":
            from campaigns.fake_api import main as answer  # noqa: PLC0415  # As above.

            answer()
        else:
            from adapter.cli import main as run_adapter  # noqa: PLC0415  # As above.

            run_adapter()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001  # Whatever it is: it must not go back into the nursery's loop.
        sys.excepthook(*sys.exc_info())
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    MODULES = {
        "plain": ("adapter.cli", "psycopg"),
        "web": ("adapter.cooperation", "adapter.app", "adapter.web.connections", "gunicorn.app.wsgiapp", "psycopg"),
    }
    for module in MODULES[sys.argv[2]]:
        importlib.import_module(module)
    for dialect in ("postgresql.psycopg", "sqlite.pysqlite"):
        importlib.import_module(f"sqlalchemy.dialects.{dialect}")
    _serve(socket.socket(fileno=int(sys.argv[1])))
