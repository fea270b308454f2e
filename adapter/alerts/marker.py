"""What was told of the database itself, while it can't say so: one file of this machine that all processes share.

It outlives a restart, and where there is none to be had, each process knows at least what it told itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

AGAIN_AFTER = timedelta(hours=1)
"""A loss is told again after so long at the earliest."""


def marker_path(database_url: str) -> Path:
    """Return the file for this database and this user."""
    name = hashlib.sha256(f"{os.getuid()}\0{database_url}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"order-adapter-{name}.told"


class Marker:
    """Says whether the loss of the database was told, and not yet its return."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own: dict[str, Any] = {}

    def mark(self, *, lost: bool, now: datetime) -> bool:
        """Write down what is told from now on; return whether it is news, which the caller then tells."""
        try:
            with self._opened(make=lost) as file:
                known, is_news = _after(_read(file), lost=lost, now=now)
                if is_news:
                    os.ftruncate(file, 0)
                    os.pwrite(file, json.dumps(known).encode(), 0)
        except OSError:
            self._own, is_news = _after(self._own, lost=lost, now=now)
        return is_news

    def forget(self) -> None:
        """Let the next mark be news again: nobody took this one."""
        self._own = {}
        with suppress(OSError):
            self._path.unlink()

    @contextmanager
    def _opened(self, *, make: bool) -> Generator[int, None, None]:
        """Open the file for this process alone; a database that was never lost leaves none."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
        file = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _read(file: int) -> dict[str, Any]:
    try:
        return msgspec.json.decode(os.pread(file, 1_000, 0) or b"{}", type=dict[str, Any])
    except ValueError:
        return {}


def _after(known: dict[str, Any], *, lost: bool, now: datetime) -> tuple[dict[str, Any], bool]:
    """Return what is known afterwards, and whether it is news."""
    if lost == bool(known.get("lost")):
        return known, False
    if not lost:
        return {**known, "lost": False}, True
    if abs(now.timestamp() - float(known.get("at", 0))) < AGAIN_AFTER.total_seconds():
        return known, False
    return {"lost": True, "at": now.timestamp()}, True
