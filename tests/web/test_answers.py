"""Errors are JSON that says what happened and what to change."""

from __future__ import annotations

from typing import Any

import pytest
from flask import request

from adapter.web.answers import hang_up, refuse, turn_away


def test_refuse() -> None:
    """A refusal has its status, its message, its hint and the headers it was given."""
    answer = refuse(503, "it is away", "come back", Retry_After="10")
    assert (503, {"error": "it is away", "hint": "come back"}) == (answer.status_code, answer.json)
    assert ("application/json", "10") == (answer.mimetype, answer.headers["Retry-After"])
    assert "Connection" not in answer.headers


def test_hang_up() -> None:
    """A refusal of a body that wasn't read to its end says that the connection ends."""
    answer = hang_up(413, "too large", "send less")
    assert (413, {"error": "too large", "hint": "send less"}) == (answer.status_code, answer.json)
    assert "close" == answer.headers["Connection"]


@pytest.mark.parametrize(
    ("request_of", "connection"),
    [
        ({"method": "GET"}, None),
        ({"method": "POST", "data": b""}, None),
        ({"method": "POST", "data": b"{}"}, "close"),
        ({"method": "POST", "headers": {"Transfer-Encoding": "chunked"}}, "close"),
    ],
)
def test_turn_away(web_on_sqlite: Any, request_of: dict[str, Any], connection: str | None) -> None:
    """A refusal before the body was read says that the connection ends, when there is a body to come."""
    with web_on_sqlite.client.application.test_request_context("/", **request_of):
        answer = turn_away(request, 404, "there is none", "look elsewhere")
    assert (404, {"error": "there is none", "hint": "look elsewhere"}) == (answer.status_code, answer.json)
    assert connection == answer.headers.get("Connection")
