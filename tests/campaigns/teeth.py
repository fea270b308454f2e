"""`make campaigns-teeth`: plants each known bug in a copy of the project, and shows which campaign noticed it.

First the clean copy must pass what the bugs have to fail. Then each bug is planted in a copy of its own, where only
its own campaign's cut runs. A bug is caught when that fails, and with the words that belong to the bug. Run with
PYTHONPATH=tests as `python -m campaigns.teeth [part of a name …]`; exit 1 unless all are caught.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from campaigns.planted import PLANTED, Planted

ROOT = Path(__file__).parents[2]

AT_ONCE = 2
LONGEST_SECONDS = 300

_PARTS = ("adapter", "mappings", "tests", "pyproject.toml")
_IGNORED = shutil.ignore_patterns(".hypothesis")
_PASSED, _FAILED = 0, 1  # pytest's exit codes. All others mean that the tests themselves couldn't run.

_WITNESS = """

import os as _os, sys as _sys

with open({file!r}, "a") as _witness:
    _witness.write(f"{{_os.path.dirname(__file__)}} {{_sys.orig_argv!r}}\\n")
"""
"""Added to the copy's `adapter/__init__.py`: every process that imports the copy says so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the cut of one campaign ended: `noticed` when it failed, `what` in a line, `said` in full."""

    noticed: bool
    what: str
    seconds: float
    said: str = ""


class Copy:
    """A copy of the project in a folder, in which tests run as they do in the project itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._witness = root / "imported.txt"
        for part in _PARTS:
            source, target = ROOT / part, root / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=_IGNORED)
            else:
                shutil.copy(source, target)
        with (root / "adapter/__init__.py").open("a") as package:
            package.write(_WITNESS.format(file=str(self._witness)))

    def run(self, nodes: Sequence[str], *options: str) -> tuple[int, str]:
        """Run these tests; return pytest's exit code and what it printed. Everything it started has ended then."""
        words = [
            "-q",
            "-rfEs",
            "-p",
            "no:cacheprovider",
            "-p",
            "campaigns.unshrunk",
            "--timeout=150",
            *options,
            *nodes,
        ]
        with (self.root / "pytest.log").open("w+") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *words],
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            code = _wait(process)
            log.seek(0)
            return code, log.read()

    def strays(self, wanted: Iterable[str]) -> list[str]:
        """Return which of these words stand in no command line of a process that imported this copy's adapter."""
        imported = self._witness.read_text().splitlines() if self._witness.exists() else []
        ours = [line for line in imported if line.startswith(f"{self.root}/")]
        return [word for word in wanted if not any(word in line for line in ours)]

    def _environment(self) -> Mapping[str, str]:
        """Let the copy's packages come before the project's own, which the environment has installed as editable."""
        paths = f"{self.root}{os.pathsep}{self.root / 'tests'}"
        return {**os.environ, "PYTHONPATH": paths}


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return its exit code, also when it had to be killed; nothing of its session is left then."""
    try:
        return process.wait(LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main(words: Sequence[str]) -> int:
    """Run all, or those whose name contains one of the words; return the exit code."""
    chosen = [bug for bug in PLANTED if not words or any(word in bug.name for word in words)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="teeth-", ignore_cleanup_errors=True) as folder:
        clean = _try_clean(Path(folder) / "clean", chosen)
        print(f"clean copy: {clean.what}, {clean.seconds:.0f} s", flush=True)
        if clean.noticed:
            print(clean.said)
            return 1
        with ThreadPoolExecutor(AT_ONCE) as pool:
            places = [Path(folder) / f"bug-{number}" for number, _ in enumerate(chosen)]
            verdicts = list(pool.map(_try, places, chosen))
    caught = sum(verdict.noticed for verdict in verdicts)
    _show(chosen, verdicts)
    print(f"{caught} of {len(chosen)} planted bugs caught, {time.monotonic() - began:.0f} s in all")
    return 0 if caught == len(chosen) else 1


def _try_clean(root: Path, bugs: Sequence[Planted]) -> Verdict:
    """Run everything on a clean copy: it passes, and it is the copy that runs, in the children as well."""
    began = time.monotonic()
    copy = Copy(root)
    nodes = list(dict.fromkeys(node for bug in bugs for node in bug.nodes))
    code, said = copy.run(nodes, "-n", str(AT_ONCE))
    summary = _last_line(said)
    if code == _FAILED:
        # Campaigns with a time limit feel what else this machine does; what is right passes when it is run alone.
        code, said = copy.run(_failed_in(said))
        summary += f"; run again, one by one: {_last_line(said)}"
    strays = copy.strays(_children_of(nodes))
    if strays:
        summary = f"the project itself ran and not the copy, in {', '.join(strays)}"
    return Verdict(code != _PASSED or bool(strays), summary, time.monotonic() - began, said)


def _last_line(said: str) -> str:
    return said.strip().rpartition("\n")[2].strip("= ")


def _failed_in(said: str) -> list[str]:
    lines = [line.partition(" ") for line in said.splitlines() if line.startswith(("FAILED tests/", "ERROR tests/"))]
    return [rest.partition(" - ")[0] for _word, _blank, rest in lines]


def _children_of(nodes: Sequence[str]) -> list[str]:
    """Return words of the command lines by which these tests start Python processes that import the adapter."""
    started = {
        "test_kills.py": "campaigns.nursery",
        "test_many_processes": "store.receive(",
    }
    return ["pytest", *(command for part, command in started.items() if any(part in node for node in nodes))]


def _try(root: Path, bug: Planted) -> Verdict:
    """Plant a bug, and run its campaign."""
    began = time.monotonic()
    copy = Copy(root)
    bug.plant(root)
    code, said = copy.run(bug.nodes)
    verdict = _judge(bug, code, said, time.monotonic() - began, copy.strays(["pytest"]))
    shutil.rmtree(root, ignore_errors=True)
    print(f"{'caught' if verdict.noticed else 'MISSED'}: {bug.name}: {verdict.what}", flush=True)
    if not verdict.noticed:
        print(said[-6000:], flush=True)
    return verdict


def _judge(bug: Planted, code: int, said: str, seconds: float, strays: Sequence[str]) -> Verdict:
    """Say whether this end means that the bug was noticed as what it is."""
    if strays:
        return Verdict(False, "the project itself ran, and not the copy", seconds)
    if code == _PASSED:
        return Verdict(False, "passed", seconds)
    if code != _FAILED:
        return Verdict(False, f"didn't run: pytest ended with {code}", seconds)
    if bug.sign not in said:
        return Verdict(False, f"failed, and not by {bug.sign!r}", seconds)
    return Verdict(True, _first_reason(said, bug.sign), seconds)


def _first_reason(said: str, sign: str) -> str:
    """Return the first line of the failure that has the words in it."""
    lines = [line for line in said.splitlines() if line.startswith("E ") and sign in line]
    return (lines[0].removeprefix("E").strip() if lines else sign)[:110]


def _place(bug: Planted) -> str:
    """Return the campaign; where a test elsewhere stands for it, that test's file as well."""
    elsewhere = [node.partition("::")[0] for node in bug.nodes if not node.startswith("tests/campaigns/")]
    return f"{bug.campaign} ({', '.join(elsewhere)})" if elsewhere else bug.campaign


def _show(bugs: Sequence[Planted], verdicts: Sequence[Verdict]) -> None:
    """Print the table."""
    heads = ("planted bug", "campaign that has to catch it", "", "seconds", "noticed by")
    rows = [
        (bug.name, _place(bug), "caught" if it.noticed else "MISSED", f"{it.seconds:.0f}", it.what)
        for bug, it in zip(bugs, verdicts, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    print()
    for line in (heads, *rows):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
