"""Logs: one JSON line each, key=value on a terminal, one format for everybody, nothing personal."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from adapter.logs import WithoutRequest, configure_logs, gunicorn_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root, gunicorn = logging.getLogger(), logging.getLogger("gunicorn.error")
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    gunicorn.handlers[:], gunicorn.filters[:], gunicorn.propagate = [], [], True
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Return the JSON of each line, without the time."""
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [{name: value for name, value in line.items() if name != "at"} for line in found]


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is one JSON object on stdout with its time in UTC."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    configure_logs("info")
    structlog.get_logger().info("webhook taken", shop="acme", text="two\nlines")
    line = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("at"))
    assert {"event": "webhook taken", "level": "info", "shop": "acme", "text": "two\nlines"} == line
    assert 1 == stream.getvalue().count("\n")


def test_on_a_terminal() -> None:
    """On a terminal a line is key=value."""
    terminal = Terminal()
    configure_logs("info", terminal)
    structlog.get_logger().info("webhook taken", shop="acme")
    assert "webhook taken" in terminal.getvalue()
    assert "{" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(level: str, expected: list[str]) -> None:
    """What is below the level is dropped, ours and everybody else's; a second call counts."""
    configure_logs("error")
    stream = io.StringIO()
    configure_logs(level, stream)
    for log in (structlog.get_logger(), logging.getLogger("elsewhere")):
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)("said")
    assert expected * 2 == [line["level"] for line in lines(stream)]


@pytest.mark.parametrize("name", ["alembic.runtime.migration", "urllib3.connectionpool", "sqlalchemy.engine"])
def test_chatty_libraries(name: str) -> None:
    """Libraries are heard from a warning on: below, they tell each step and each address."""
    stream = io.StringIO()
    configure_logs("debug", stream)
    log = logging.getLogger(name)
    log.info("POST /v1/event?pixel_id=pixel-1")
    log.warning("trouble")
    assert [{"event": "trouble", "level": "warning"}] == lines(stream)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["JSON", "terminal"])
def test_an_error(stream: io.StringIO) -> None:
    """An exception is logged with its type and where it was, without its message and without variables."""
    configure_logs("info", stream)
    try:
        int("canary@example.com")
    except ValueError:
        logging.getLogger("elsewhere").exception("it failed")
        structlog.get_logger().error("it failed", exc_info=True)
    shown = stream.getvalue()
    assert "canary" not in shown
    assert 2 == shown.count("ValueError")
    assert "test_logs.py" in shown


def test_gunicorns_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own lines have our format; it logs no requests."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    logging.config.dictConfig(dict(gunicorn_logs("info")))
    logging.getLogger("gunicorn.error").info("Listening at: %s", "http://127.0.0.1:8000")
    logging.getLogger("gunicorn.access").info("GET /?email=canary")
    assert [{"event": "Listening at: http://127.0.0.1:8000", "level": "info"}] == lines(stream)


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("Invalid request from ip=203.0.113.9: Invalid HTTP Header: 'canary'", (), "invalid request"),
        ("Error handling request %s %s", ("POST", "/webhooks/acme?canary"), "error handling request"),
        ("Worker exiting (pid: %s)", (7,), "Worker exiting (pid: 7)"),
    ],
)
def test_what_gunicorn_would_tell(message: str, arguments: tuple[object, ...], expected: str) -> None:
    """A line that quotes a request loses the quote; every other stays."""
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "x.py", 1, message, arguments, None)
    assert WithoutRequest().filter(record)
    assert expected == record.getMessage()
