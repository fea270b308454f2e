"""The door of the console: who isn't logged in sees the login page, and no form is obeyed without its token."""

from __future__ import annotations

import hashlib

import structlog
from flask import Blueprint, Response, flash, request, session, url_for

from adapter.web.console import session as sessions
from adapter.web.console.device import Devices
from adapter.web.console.house import House
from adapter.web.console.origin import is_from_here
from adapter.web.console.pages import page, problem, see_other
from adapter.web.console.password import Password
from adapter.web.console.ways import inside

LARGEST_FORM = 16 * 1024
"""Bytes; a form has a few short fields."""

_OPEN_TO_ALL = ("console.login", "console.login_with_password", "console.stylesheet")

_log = structlog.get_logger()


def guard(routes: Blueprint, house: House) -> None:
    """Let nobody in without a session, and obey no form that wasn't sent from a page of this session."""

    @routes.before_request
    def admit() -> Response | None:
        request.max_content_length = LARGEST_FORM
        if request.endpoint not in _OPEN_TO_ALL and not _is_logged_in(house):
            return _to_login()
        if request.method == "POST" and not _is_own_form():
            words = "This form wasn't sent from a page of this session, so nothing was done."
            return problem(403, "Not done", words, "Go back, load the page again, and send it once more.")
        return None


def _is_logged_in(house: House) -> bool:
    now = house.clock()
    if not sessions.is_alive(session, now) or house.logouts.has(session["id"]):
        return False
    sessions.touch(session, now)
    return True


def _to_login() -> Response:
    """Send to the login page, whatever was asked for: whether it is there is no stranger's business."""
    session.clear()
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    start = url_for("console.overview")
    to = inside(wanted, start)
    return see_other(url_for("console.login", next=None if to == start else to))


def _is_own_form() -> bool:
    return is_from_here(request) and sessions.has_token(session, request.form.get("token", ""))


def add_login(routes: Blueprint, house: House) -> None:
    """Add the pages to log in and out."""
    password = Password(house.password, house.cost)
    devices = Devices(house.keys, house.password)

    @routes.get("/login")
    def login() -> Response:
        return page("login.html", wanted=inside(request.args.get("next"), ""), is_encrypted=_is_encrypted())

    @routes.post("/login", endpoint="login_with_password")
    def login_with_password() -> Response:
        seconds = house.guesses.seconds_to_wait(request.remote_addr, devices.name_of(request))
        if seconds:
            return _too_many(house, seconds)
        if not password.matches(request.form.get("password", "")):
            return _wrong()
        sessions.begin(session, house.clock())
        _log.info("console opened", session=name_of_session())
        return devices.keep(see_other(inside(request.form.get("next"), url_for("console.overview"))), request)

    @routes.post("/logout")
    def logout() -> Response:
        house.logouts.add(session["id"], house.clock() + sessions.LONGEST, house.clock())
        _log.info("console closed", session=name_of_session())
        session.clear()
        flash("You are logged out.")
        return see_other(url_for("console.login"))


def _too_many(house: House, seconds: int) -> Response:
    if count := house.guesses.refused_to_tell():
        _log.warning("guesses of the console's password turned away", count=count)
    words = f"Too many guesses: the next one is looked at in {seconds} seconds."
    response = page("login.html", 429, wanted=_wanted(), failed=words, is_encrypted=_is_encrypted())
    response.headers["Retry-After"] = str(seconds)
    return response


def _wrong() -> Response:
    _log.warning("wrong password for the console")
    words = "That isn't the password. It is what CONSOLE_PASSWORD says where the adapter runs."
    return page("login.html", 401, wanted=_wanted(), failed=words, is_encrypted=_is_encrypted())


def _wanted() -> str:
    return inside(request.form.get("next"), "")


def _is_encrypted() -> bool:
    return request.is_secure or request.host.partition(":")[0] in ("localhost", "127.0.0.1", "[::1]")


def name_of_session() -> str:
    """Return a name of the session for the log, by which nobody can take it over."""
    return hashlib.sha256(str(session.get("id")).encode()).hexdigest()[:8]
