"""Whose address a request has behind proxies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client

from adapter.web.proxies import behind_proxies


class Seen:
    """A WSGI application that notes the address and the scheme of its requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Note it and answer."""
        self.requests.append((environ.get("REMOTE_ADDR", ""), environ["wsgi.url_scheme"]))
        start_response("204 No Content", [])
        return [b""]


@pytest.mark.parametrize(
    ("hops", "seen"),
    [
        (0, ("127.0.0.1", "http")),
        (1, ("203.0.113.9", "https")),
        (2, ("198.51.100.7", "https")),
        (3, ("127.0.0.1", "https")),  # So many proxies weren't passed: nobody's word is taken for the address.
    ],
)
def test_as_many_as_are_trusted(hops: int, seen: tuple[str, str]) -> None:
    """Each proxy appends an address, so it is counted from the end; the scheme is the last one's."""
    application = Seen()
    headers = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Proto": "https"}
    client = Client(behind_proxies(application, hops))
    client.get("/", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert [seen] == application.requests


@pytest.mark.parametrize(("hops", "lines"), [(0, 1), (1, 0)])
def test_an_uncounted_proxy_is_told_once(hops: int, lines: int) -> None:
    """The log names the setting, and not the address; without the header there is nothing to tell."""
    client = Client(behind_proxies(Seen(), hops))
    with capture_logs() as logs:
        client.get("/")
        assert [] == logs
        for _ in range(3):
            client.post("/", headers={"X-Forwarded-For": "203.0.113.9"})
    assert lines == len(logs)
    assert "203.0.113.9" not in str(logs)
