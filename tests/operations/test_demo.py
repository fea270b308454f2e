"""The demo: one real run, and its parts by themselves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from adapter.operations.demo.processes import DemoFailed, Processes, free_port, wait_until
from adapter.operations.demo.run import run_demo
from adapter.operations.demo.stories import SHOPIFY, WOOCOMMERCE, Expected, Story, stories
from adapter.operations.demo.table import Line, render

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the demo a folder of its own, with a space in its name, and see that nothing stays in it."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert [] == list(folder.glob("order-adapter-demo-*"))


@pytest.mark.processes
def test_the_command(own_temp: Path) -> None:
    """`adapter demo` ends by itself with exit 0 in under 20 s, after progress, a table and a summary."""
    began = monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "adapter", "demo"],
        capture_output=True,
        text=True,
        cwd=own_temp,
        env={**os.environ, "HOME": "/nonexistent", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 20 > monotonic() - began
    lines = done.stdout.splitlines()
    assert "starting the local Conversion API, the service under gunicorn, and the worker …" == lines[0]
    assert re.fullmatch(r"18 of 18 as expected, 12 purchases delivered, \d+\.\d s", lines[-1])
    assert 18 == sum(line.startswith("✓") for line in lines)
    assert all(len(line) <= 140 for line in lines)


@pytest.mark.processes
def test_a_wrong_expectation_is_seen(own_temp: Path) -> None:
    """In-process, with one expectation broken: the demo says which line and what was expected, and fails."""
    told = [
        story for story in stories(datetime.now(UTC)) if story.title in ("tax included, delivered twice", "cancelled")
    ]
    told[0] = replace(told[0], expected=replace(told[0].expected, value="99.00"))
    said: list[str] = []
    assert run_demo(said.append, told=told) is False
    assert "1 of 2 as expected" in said[-1]
    (wrong,) = [line for line in said if line.startswith("✗")]
    assert "100.00" in wrong
    assert "value='99.00'" in said[said.index(wrong) + 1]


@pytest.mark.processes
def test_staying_until_it_is_interrupted(own_temp: Path) -> None:
    """With --stay the URLs are printed and the service answers, until Ctrl-C ends every process."""
    command = [sys.executable, "-m", "adapter", "demo", "--stay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=own_temp) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
            last = line
        service = re.search(r"http://127\.0\.0\.1:\d+", last)
        assert service is not None
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(30)


def test_the_stories() -> None:
    """There are at least six orders of each platform; ids are unique; each has an ending."""
    told = stories(NOW)
    assert 18 == len(told)
    for shop in (SHOPIFY, WOOCOMMERCE):
        ids = [story.order_id for story in told if story.shop == shop]
        assert len(ids) == len(set(ids)) >= 6
    assert 12 == sum(story.expected.what == "delivered" for story in told)


def a_line(found: Expected, expected: Expected) -> Line:
    """Return a line of the table."""
    story = Story(title="a story", shop=SHOPIFY, order_id="5901000000001", first=(), expected=expected)
    return Line(story, found, 12)


def test_lines_are_judged() -> None:
    """A line is right when what happened begins as expected and every amount and identifier is equal."""
    good = Expected(what="delivered", value="1", tax="2", shipping="3", currency="EUR", identifiers=("a", "b"))
    assert a_line(replace(good, identifiers=("b", "a")), good).is_right
    for change in ({"value": "2"}, {"what": "skipped: x"}, {"identifiers": ("a",)}, {"currency": "USD"}):
        assert not a_line(replace(good, **change), good).is_right
    assert a_line(Expected(what="skipped: test: words"), Expected(what="skipped: test")).is_right


def test_the_table() -> None:
    """The table has a head, the shops, a row an order, and below a wrong one what was expected."""
    good = Expected(what="delivered", value="1.00", tax="0", shipping="0", currency="EUR", identifiers=("aleid",))
    head, shop, right, wrong, expected = render([a_line(good, good), a_line(good, replace(good, tax="5"))])
    assert head.startswith("order")
    assert SHOPIFY == shop
    assert right.startswith("✓ 000001 a story")
    assert right.endswith("aleid")
    assert wrong.startswith("✗")
    assert "tax='5'" in expected


def test_a_command_that_fails(tmp_path: Path) -> None:
    """A command that fails raises with what it said."""
    processes = Processes(tmp_path, {"MAPPINGS_DIR": str(tmp_path / "absent")})
    with pytest.raises(DemoFailed, match="the mapping files can't be read"):
        processes.run("check")


def test_a_process_that_ends(tmp_path: Path) -> None:
    """Waiting for a process that has ended raises with the end of its log."""
    with Processes(tmp_path, {"MAPPINGS_DIR": str(tmp_path / "absent")}) as processes:
        processes.start("worker", "adapter", "deliver")
        with pytest.raises(DemoFailed, match=r"worker: it ended(.|\n)*the mapping files can't be read"):
            processes.wait_for("worker", f"http://127.0.0.1:{free_port()}/")


def test_a_process_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ignores SIGTERM is killed after the grace."""
    monkeypatch.setattr("adapter.operations.demo.processes._GRACE_SECONDS", 0.2)
    (tmp_path / "stubborn.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on', flush=True)\ntime.sleep(60)\n"
    )
    with Processes(tmp_path, {"PYTHONPATH": str(tmp_path)}) as processes:
        processes.start("stubborn", "stubborn")
        wait_until(lambda: "on" in (tmp_path / "stubborn.log").read_text(), lambda: AssertionError("not started"))
        began = monotonic()
    assert 5 > monotonic() - began


def test_patience_ends() -> None:
    """What never holds raises the given failure when the time is over."""
    with pytest.raises(DemoFailed, match="never"):
        wait_until(lambda: bool(sleep(0.01)), lambda: DemoFailed("never"), seconds=0.05)


def test_what_never_arrives(own_temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that should have come and didn't is a wrong line, after the time for it."""
    monkeypatch.setattr("adapter.operations.demo.run._SECONDS_FOR_DELIVERY", 0.1)
    told: list[Any] = [story for story in stories(datetime.now(UTC)) if story.title == "cancelled"]
    told[0] = replace(told[0], expected=Expected(what="delivered"))
    said: list[str] = []
    assert run_demo(said.append, told=told) is False
    assert any("skipped: cancelled" in line for line in said)
