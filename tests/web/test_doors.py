"""The straight way to a door gives the same answers as Flask's, and lets in nothing but a plain POST."""

from __future__ import annotations

import pytest
from flask import Flask, Request, Response
from structlog.testing import capture_logs

from adapter.web.doors import in_front_of, route_to


class Knocks:
    """A door that notes who knocks, and answers as it is told to."""

    def __init__(self) -> None:
        self.at: list[tuple[str, str]] = []
        self.said = Response("taken", 202, headers={"Retry-After": "7"})

    def answer(self, request: Request, shop_name: str) -> Response:
        """Note it and answer."""
        self.at.append((request.method, shop_name))
        if shop_name == "broken":
            raise RuntimeError("canary")
        return self.said


def _application(door: Knocks, *, is_straight: bool) -> tuple[Flask, list[str]]:
    """Return an application with the door at /gate, and what Flask saw of its requests."""
    app, seen = Flask(__name__), list[str]()
    app.register_blueprint(route_to(door, "gate", ["POST", "OPTIONS"]))
    app.before_request(lambda: seen.append("Flask"))
    if is_straight:
        app.wsgi_app = in_front_of(app.wsgi_app, "gate", door)  # type: ignore[method-assign]
    return app, seen


@pytest.mark.parametrize("status", [200, 204, 429, 503])
def test_both_ways_answer_alike(status: int) -> None:
    """Status, headers in their order and body are the same; two cookies stay two."""
    answers = []
    for is_straight in (False, True):
        door = Knocks()
        door.said = Response(status=204) if status == 204 else Response(b"{}\n", status, mimetype="application/json")
        door.said.set_cookie("a", "1")
        door.said.set_cookie("b", "2")
        app, seen = _application(door, is_straight=is_straight)
        answer = app.test_client().post("/gate/acme", json={})
        assert ([] if is_straight else ["Flask"], [("POST", "acme")]) == (seen, door.at)
        answers.append((answer.status, answer.headers.to_wsgi_list(), answer.data))
    assert answers[0] == answers[1]
    assert 2 == len([name for name, _ in answers[0][1] if name == "Set-Cookie"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("OPTIONS", "/gate/acme", 202),
        ("GET", "/gate/acme", 405),
        ("PUT", "/gate/acme", 405),
        ("POST", "/gate", 404),
        ("POST", "/gate/", 404),
        ("POST", "/gate/acme/more", 404),
        ("POST", "/other/acme", 404),
        ("POST", "/gates/acme", 404),
    ],
)
def test_flask_answers_what_is_odd(method: str, path: str, status: int) -> None:
    """Another method or address goes Flask's way."""
    app, seen = _application(Knocks(), is_straight=True)
    assert status == app.test_client().open(path, method=method).status_code
    assert ["Flask"] == seen


def test_a_bug_behind_the_door() -> None:
    """It is answered 500 as everywhere, and the log says where it was and nothing of the request."""
    app, _ = _application(Knocks(), is_straight=True)
    with capture_logs() as logs:
        answer = app.test_client().post("/gate/broken")
    expected = {"error": "something went wrong here", "hint": "the log says where; please report it"}
    assert (500, expected) == (answer.status_code, answer.json)
    assert "canary" not in str(logs)
    assert "test_doors.py:" in logs[0]["where"]
