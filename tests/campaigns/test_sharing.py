"""Whether the machine is shared, or had alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.sharing import machine

_HOLDING = (
    "import sys; from pathlib import Path; from campaigns.sharing import machine\n"
    "with machine(Path(sys.argv[1]), alone=sys.argv[2] == 'alone'):\n"
    "    print('in', flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def _another(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that uses the machine until its input ends."""
    command = [sys.executable, "-c", _HOLDING, str(folder), how]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], text=True, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.communicate()


def test_it_is_shared(tmp_path: Path) -> None:
    """Two that share it have it at one time."""
    with _another(tmp_path, "shared") as other:
        assert "in\n" == other.stdout.readline()  # type: ignore[union-attr]
        with machine(tmp_path, alone=False):
            assert other.poll() is None


def test_alone(tmp_path: Path) -> None:
    """Who wants it alone waits for those who share it, and who comes later waits for him."""
    with _another(tmp_path, "shared") as first:
        assert "in\n" == first.stdout.readline()  # type: ignore[union-attr]
        with _another(tmp_path, "alone") as alone:
            time.sleep(0.5)
            with _another(tmp_path, "shared") as later:
                time.sleep(0.5)
                first.communicate()
                assert "in\n" == alone.stdout.readline()  # type: ignore[union-attr]
                assert later.poll() is None
                alone.communicate()
                assert "in\n" == later.stdout.readline()  # type: ignore[union-attr]
