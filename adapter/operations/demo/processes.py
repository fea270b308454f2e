"""The demo's processes: started on free loopback ports, watched while they start, and always ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

import requests

from adapter.errors import AdapterError

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
"""All that the processes see of the caller's environment."""

_PATIENCE_SECONDS = 15
_GRACE_SECONDS = 10


class DemoFailed(AdapterError):
    """A part of the demo didn't start or do its work; the message ends with the log that explains it."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Processes:
    """Commands of this project, run in one folder with one environment; they end with the `with` block."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {**kept, **environment}
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Start `python -m module arguments` in the background; its output goes to a log file."""
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # Our own modules, by the interpreter that runs this.
                [sys.executable, "-m", module, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running.append((name, process))

    def run(self, *arguments: str) -> str:
        """Run `adapter arguments` to its end; return what it printed, or raise `DemoFailed`."""
        done = subprocess.run(  # noqa: S603  # As above.
            [sys.executable, "-m", "adapter", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"adapter {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def wait_for(self, name: str, url: str) -> None:
        """Wait until a URL answers 200; raise `DemoFailed` with the log's end when its process ends or is too slow."""
        wait_until(lambda: self._answers(name, url), lambda: self._failure(name, f"{url} doesn't answer"))

    def _answers(self, name: str, url: str) -> bool:
        if any(process.poll() is not None for known, process in self._running if known == name):
            raise self._failure(name, "it ended")
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    def _failure(self, name: str, words: str) -> DemoFailed:
        log = self._log(name).read_text(errors="replace")
        return DemoFailed(f"{name}: {words}; the end of its log:\n{log[-2000:]}")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process in reversed(self._running):
            process.terminate()
        ends_at = monotonic() + _GRACE_SECONDS
        for _, process in self._running:
            _end(process, max(0.1, ends_at - monotonic()))


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(
    holds: Callable[[], bool], failure: Callable[[], Exception], seconds: float = _PATIENCE_SECONDS
) -> None:
    """Look again and again until it holds; raise the failure when the time is over."""
    ends_at = monotonic() + seconds
    while not holds():
        if monotonic() > ends_at:
            raise failure()
        sleep(0.05)
