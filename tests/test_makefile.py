"""The two commands on a machine that isn't ready for them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("python", "named"), [("false", "false"), ("/no/such/python", "/no/such/python"), ("", "nothing")]
)
def test_a_python_that_does_not_do(tmp_path: Path, python: str, named: str) -> None:
    """What isn't Python 3.11 or newer is named before any environment is made, with the way out."""
    made = tmp_path / "venv"
    command = ["make", "--silent", f"--directory={ROOT}", f"VENV={made}", f"PYTHON={python}", f"{made}/python"]
    # `make -j test` would hand its job server down to this one.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    expected = f"Python 3.11 or newer is needed, and {named} was found; say PYTHON=/path/to/python"
    assert (2, expected) == (ended.returncode, ended.stderr.splitlines()[0])
    assert not made.exists()
