"""Real processes of this project: started with a clean environment, logged into files, and always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Self

from adapter.errors import AdapterError

STOP_SECONDS = 10.0
"""How long a process has to end by itself once it was asked to."""

RUN_SECONDS = 60.0
_POLL_SECONDS = 0.02
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LINES_SHOWN = 15
_CODE = Path(__file__).resolve().parents[3]

# What a program needs to run at all. Everything else stays outside, above all the adapter's own variables: the demo
# must touch nobody's database, and send nothing to the real API.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH")


class ProcessFailed(AdapterError):
    """A process of the demo didn't do its part; the message ends with the last lines of its log."""


def clean_environment(home: Path, settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the demo's processes: these settings, and of the caller's only what isn't ours.

    `home` takes the place of the caller's home, which may be unwritable.
    """
    kept = {name: environment[name] for name in _PASSED_ON if name in environment}
    paths = (str(_CODE), environment.get("PYTHONPATH", ""))
    python = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return {**kept, **python, "HOME": str(home), **settings}


@dataclass(frozen=True, slots=True)
class Process:
    """One process that was started, and the file that it logs into."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def failure(self, what: str) -> ProcessFailed:
        """Return the error that says what is wrong, with the end of the log."""
        return ProcessFailed("\n".join((f"{self.name}: {what}; the end of its log:", *last_lines(self.log))))

    def check(self) -> None:
        """Raise `ProcessFailed` when it has ended."""
        if (status := self.popen.poll()) is not None:
            raise self.failure(f"it ended with status {status}")


class Processes:
    """Starts processes in a folder and ends them all when the `with` statement is left, however that happens."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._started: list[Process] = []
        self._finished: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _signals(signal.SIG_IGN):
            self.stop()

    def start(self, name: str, *arguments: str, pass_fds: Sequence[int] = ()) -> Process:
        """Start a Python module (`-m`) with its arguments; what it prints goes to `<name>.log` in the folder."""
        log = self._folder / f"{name}.log"
        # An interruption between the start and the list would leave a process behind that nobody knows.
        with log.open("ab") as output, _uninterrupted():
            popen = subprocess.Popen(  # noqa: S603  # This Python, with arguments of our own.
                [sys.executable, "-m", *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                # Ctrl-C reaches the whole group of a terminal: here only the demo gets it, and ends the others.
                start_new_session=True,
            )
            process = Process(name, popen, log)
            self._started.append(process)
        return process

    def finish(self, process: Process, seconds: float = RUN_SECONDS) -> str:
        """Wait for a process to end well and return its log; raise `ProcessFailed` otherwise."""
        try:
            status = process.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise process.failure(f"it didn't end within {seconds:.0f} s") from None
        if status != 0:
            raise process.failure(f"it ended with status {status}")
        self._finished.append(process)
        return process.log.read_text("utf-8", "replace")

    def set(self, name: str, value: str) -> None:
        """Set a variable for the processes that are started from now on."""
        self._environment[name] = value

    def named(self, name: str) -> Process:
        """Return the process that was last started under this name."""
        return next(process for process in reversed(self._started) if process.name == name)

    def check(self) -> None:
        """Raise `ProcessFailed` when a process that was to run on has ended."""
        for process in self._started:
            if process not in self._finished:
                process.check()

    def stop(self) -> None:
        """Ask every process to end (SIGTERM); kill it with its children when it doesn't within ten seconds."""
        running = [process for process in self._started if process.popen.poll() is None]
        for process in running:
            process.popen.terminate()
        deadline = monotonic() + STOP_SECONDS
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.popen.wait(max(0.0, deadline - monotonic()))
        for process in self._started:
            if process not in self._finished:
                _kill_group(process.popen)


def _kill_group(popen: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process and its children: each has a session of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def last_lines(log: Path, count: int = _LINES_SHOWN) -> Iterator[str]:
    """Yield the last lines of a log, indented."""
    with log.open(encoding="utf-8", errors="replace") as file:
        yield from (f"  {line.rstrip()}" for line in deque(file, count))


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until it is so; return whether it was within this time."""
    deadline = monotonic() + seconds
    while not is_so():
        if monotonic() > deadline:
            return False
        sleep(_POLL_SECONDS)
    return True


@contextmanager
def interruptible() -> Generator[None]:
    """Within this block SIGTERM and the closing of the terminal interrupt like Ctrl-C, so that all is cleaned up."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _signals(interrupt):
        yield


@contextmanager
def _signals(action: Callable[[int, FrameType | None], None] | signal.Handlers) -> Generator[None]:
    # What the caller told us to ignore stays ignored: nohup does that with SIGHUP.
    numbers = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, action) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Let a signal that comes within this block take effect at its end; blocked signals would stay so in a child."""
    came: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    with _signals(remember):
        yield
    for number in came[:1]:
        signal.raise_signal(number)
