"""The benchmarks run; what they measure is no test's business."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_TINY = ("--orders", "2", "--rounds", "1")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("script", "options", "lines"),
    [
        ("mapping.py", ["--rounds", "1"], 2 + 3),
        ("draining.py", ["--orders", "120", "--database", "sqlite"], 2 + 1),
        ("latency.py", ["--orders", "2", "--database", "sqlite"], 2 + 2),
        ("intake.py", ["--rounds", "1", "--seconds", "0.3", "--only", "adapter, SQLite"], 3 + 2),
        ("hostile.py", ["--seconds", "1", "--clients", "20"], 2 + 5),
        ("beside.py", ["--orders", "120", "--database", "sqlite"], 2 + 1),
        ("growth.py", [*_TINY, "--only", "stored", "--stored", "10", "--database", "sqlite"], 2 + 2),
    ],
)
def test_every_table_is_printed(script: str, options: Sequence[str], lines: int) -> None:
    """A heading, the columns, and a line for each case; nobody finds a broken script on the day it is wanted."""
    environment = {**os.environ, "PYTHONPATH": f"{_HERE.parents[1]}{os.pathsep}{_HERE.parent}"}
    ran = subprocess.run(
        [sys.executable, _HERE / script, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert (0, lines) == (ran.returncode, len(ran.stdout.splitlines())), ran.stdout + ran.stderr
