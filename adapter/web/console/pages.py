"""Making pages: a template with what every page shows, as an answer."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, session

from adapter.web.console import session as sessions


def page(template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401  # What the template shows.
    """Return a page of the console."""
    is_in = isinstance(session.get("id"), str)
    text = render_template(f"console/{template}", token=sessions.token_of(session), is_in=is_in, **values)
    return make_response(text, status)


def problem(status: int, title: str, words: str, advice: str = "") -> Response:
    """Return a page that says what went wrong, and what to do."""
    return page("problem.html", status, title=title, words=words, advice=advice)


def see_other(location: str) -> Response:
    """Return the answer that sends a browser on to another page, as after a form."""
    response = make_response("", 303)
    response.headers["Location"] = location
    return response
