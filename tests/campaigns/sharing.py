"""The machine: shared by the campaigns of several test processes, or had by one of them alone."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def machine(folder: Path, *, alone: bool) -> Generator[None, None, None]:
    """Wait until the machine may be used, and use it inside the block; `folder` is the same for all test processes.

    Who wants it alone holds the door meanwhile, so that those who share it don't follow one another for ever.
    """
    with (folder / "door").open("w") as door, (folder / "machine").open("w") as lock:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
