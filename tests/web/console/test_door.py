"""The door of the console: who comes in, for how long, and whose forms are obeyed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from structlog.testing import capture_logs

from adapter.app import create_app
from adapter.storage.sealing import derive
from adapter.web.console.password import COST, Cost
from adapter.web.console.session import ConsoleSessions, sign_with

PASSWORD = "correct horse battery"
COOKIE = "__Host-order-adapter-console"


def test_without_a_password_there_is_no_console(web_on_sqlite: Any) -> None:
    """Without CONSOLE_PASSWORD every path of the console is unknown, like any other."""
    for path in ("/console", "/console/", "/console/login", "/console/orders", "/console/console.css"):
        assert (404, "Not Found") == ((answer := web_on_sqlite.client.get(path)).status_code, answer.json["error"])


@pytest.mark.parametrize("path", ["/console/", "/console/orders/1", "/console/orders/999999", "/console/nothing"])
def test_a_stranger_learns_nothing(stranger: Any, path: str) -> None:
    """Whatever is asked for, and whether it is there or not: the answer is the login page."""
    answer = stranger.get(path)
    assert (303, "") == (answer.status_code, answer.text)
    assert answer.headers["Location"].startswith("/console/login")


def test_login_and_logout(operator: Any) -> None:
    """The password opens, logging out closes: for the browser, and for a copy of its cookie as well."""
    assert 200 == operator.get("/console/").status_code
    stolen = operator.cookie()
    assert 303 == operator.post("/console/logout").status_code
    assert 303 == operator.get("/console/").status_code
    thief = operator.web.client.application.test_client(use_cookies=False)
    assert 303 == thief.get("/console/", base_url=operator.base, headers={"Cookie": stolen}).status_code


def test_another_process_knows_the_session(operator: Any) -> None:
    """A session begun in one web process is one in every other, and so is its end."""
    other = create_app(operator.web.parts).test_client(use_cookies=False)
    options = {"base_url": operator.base, "headers": {"Cookie": operator.cookie()}}
    assert 200 == other.get("/console/", **options).status_code
    operator.post("/console/logout")
    assert 303 == other.get("/console/", **options).status_code


def test_a_guess_at_the_service_costs_the_full_price(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application that gunicorn makes hashes each guess as dearly as the password itself; only tests pay less."""
    paid: list[Cost] = []

    def scrypt(text: bytes, *, salt: bytes, n: int, r: int, p: int) -> bytes:
        paid.append(Cost(n, r, p))
        return hashlib.sha256(salt + text).digest()

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    operator.client = create_app(operator.web.parts).test_client()
    assert 303 == operator.login().status_code
    assert [COST, COST] == paid


def test_login_begins_a_new_session(stranger: Any) -> None:
    """Nothing of the session before stays: not its token, which someone may have put into the browser."""
    before = stranger.token()
    stranger.login()
    assert before != stranger.token()
    assert 403 == stranger.post("/console/logout", token=before).status_code


def test_the_cookie_over_https(stranger: Any) -> None:
    """Encrypted, it belongs to this host alone, no script reads it, and no other site's form brings it along."""
    (cookie,) = [text for text in stranger.login().headers.getlist("Set-Cookie") if text.startswith(COOKIE)]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(cookie.split("; ")[1:])


def test_the_cookie_over_http(sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """On a machine without https the console works all the same; the login page warns where that isn't one's own."""
    plain = make_operator(sqlite_engine, "http://adapter.example")
    assert "isn't encrypted" in plain.get("/console/login").text
    cookies = plain.login().headers.getlist("Set-Cookie")
    assert {"order-adapter-console", "order-adapter-known"} == {cookie.partition("=")[0] for cookie in cookies}
    assert not [cookie for cookie in cookies if "Secure" in cookie]
    assert 200 == plain.get("/console/").status_code
    here = make_operator(sqlite_engine, "http://localhost:8000")
    assert "isn't encrypted" not in here.get("/console/login").text


def test_behind_a_proxy(sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """Where a trusted proxy takes https, the cookie is one for https."""
    behind = make_operator(sqlite_engine, "http://adapter.example", TRUSTED_PROXIES="1")
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    answer = behind.client.get("/console/login", base_url=behind.base, headers=headers)
    assert answer.headers["Set-Cookie"].startswith(COOKIE)


@pytest.mark.parametrize(
    ("hours", "minutes", "expected"),
    [(0, 0, 200), (1, 59, 200), (2, 0, 303), (24, 0, 303), (-1, 0, 303)],
    ids=["at once", "nearly idle for too long", "idle for too long", "a day", "from the future"],
)
def test_an_idle_session_ends(operator: Any, clock: Any, hours: int, minutes: int, expected: int) -> None:
    """Two hours without doing anything end it; so does a clock that says it hasn't begun yet."""
    clock.advance(timedelta(hours=hours, minutes=minutes).total_seconds())
    assert expected == operator.get("/console/").status_code


def test_a_used_session_ends_too(operator: Any, clock: Any) -> None:
    """Twelve hours after the login it ends, however busy it is."""
    for _ in range(11):
        clock.advance(3600)
        assert 200 == operator.get("/console/").status_code
    clock.advance(3600)
    assert 303 == operator.get("/console/").status_code


KEY = derive("k" * 40, "session")
NOON = 1777636800  # 1 May 2026, 12:00 UTC.
GENUINE: dict[str, Any] = {"id": "0" * 32, "since": NOON, "seen": NOON, "token": "t"}


def signed(content: dict[str, Any], key: bytes = KEY, password: str = PASSWORD) -> str:
    """Return a cookie with this content, signed as the application would with this key and password."""
    app = Flask("forger")
    sign_with(app, [key], password)
    serializer = ConsoleSessions().get_signing_serializer(app)
    assert serializer
    return f"{COOKIE}={serializer.dumps(content)}"


def status_with(stranger: Any, cookie: str) -> int:
    """Return the answer to who sends this cookie."""
    client = stranger.web.client.application.test_client(use_cookies=False)
    status: int = client.get("/console/", base_url=stranger.base, headers={"Cookie": cookie}).status_code
    return status


def test_a_genuine_session(stranger: Any) -> None:
    """What the forged ones below are changed from opens the console: they are refused for what they changed."""
    assert 200 == status_with(stranger, signed(GENUINE))


@pytest.mark.parametrize(
    "cookie",
    [
        signed(GENUINE, key=b"another key"),
        signed(GENUINE, password="another password"),
        signed(GENUINE)[:-3] + "abc",
        signed(GENUINE).replace(COOKIE, COOKIE.removeprefix("__Host-")),
        f"{COOKIE}=e30.e30.e30",
        f"{COOKIE}={'x' * 4000}",
        signed({}),
        signed({**GENUINE, "id": None}),
        signed({**GENUINE, "since": "1777636800"}),
        signed({**GENUINE, "seen": None}),
        signed({**GENUINE, "since": NOON + 3600}),
        signed({"token": "t"}),
    ],
    ids=lambda _: "",  # A signature holds the time: the processes that share the tests would name them differently.
)
def test_forged_sessions(stranger: Any, cookie: str) -> None:
    """Another key or password, another content or signature, another name, odd or missing parts: all are strangers."""
    assert 303 == status_with(stranger, cookie)


def test_a_new_secret_key(stranger: Any, sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """Who is logged in stays so when SECRET_KEY is changed and the old one is a fallback, and only then."""
    rotated = make_operator(sqlite_engine, SECRET_KEY="n" * 40, SECRET_KEY_FALLBACKS="k" * 40)
    assert 200 == status_with(rotated, signed(GENUINE))
    assert 303 == status_with(make_operator(sqlite_engine, SECRET_KEY="n" * 40), signed(GENUINE))


@pytest.mark.parametrize("token", ["", "x", "\x00", "é" * 50, "\ud800"])
def test_a_form_without_its_token(operator: Any, token: str) -> None:
    """A form of another page isn't obeyed, whoever's session it comes with."""
    answer = operator.post("/console/logout", token=token.encode("utf-8", "replace").decode())
    assert 403 == answer.status_code
    assert "nothing was done" in answer.text
    assert 200 == operator.get("/console/").status_code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://adapter.example"}, 403),
        ({"Origin": "https://adapter.example"}, 303),
        ({"Origin": "null"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://adapter.example.evil.example"}, 403),
        ({"Origin": "http://[::1"}, 403),
    ],
)
def test_a_form_from_elsewhere(operator: Any, headers: dict[str, str], expected: int) -> None:
    """Even with the right token a form of another site isn't obeyed: the browser says where it was sent from."""
    assert expected == operator.post("/console/logout", headers=headers).status_code


def test_login_needs_a_token_too(stranger: Any) -> None:
    """Nobody is logged in by another site's form."""
    assert 403 == stranger.post("/console/login", token="x", password=PASSWORD).status_code
    assert 403 == stranger.client.post("/console/login", base_url=stranger.base).status_code


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("/console/orders/12?days=7", "/console/orders/12?days=7"),
        ("/console/orders?q=a%20b&state=skipped", "/console/orders?q=a%20b&state=skipped"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/\\evil.example", "/console/"),
        ("/console/../../evil", "/console/"),
        ("/console//evil.example", "/console/"),
        ("/console/\r\nLocation: https://evil.example", "/console/"),
        ("/consoles", "/console/"),
        ("javascript:alert(1)", "/console/"),
        ("/console/@evil.example", "/console/"),
        ("", "/console/"),
        ("/console/" + "x" * 9000 + "!", "/console/"),
    ],
)
def test_where_a_login_leads(stranger: Any, wanted: str, expected: str) -> None:
    """To the page that was asked for, when it is one of the console's; nowhere else."""
    assert expected == stranger.login(next=wanted).headers["Location"]


def test_the_page_that_was_asked_for(stranger: Any) -> None:
    """A link to an order leads there through the login page, also when what it asks for is hostile."""
    location = stranger.get("/console/orders/7?x=1").headers["Location"]
    page = stranger.get(location).text
    assert 'name="next" value="/console/orders/7?x=1"' in page
    hostile = stranger.get('/console/login?next="><script>alert(1)</script>').text
    assert "<script" not in hostile


def test_guessing(stranger: Any) -> None:
    """After five guesses from an address the next one isn't even looked at, be it right or wrong."""
    guesses = ["", "x", PASSWORD.upper(), PASSWORD + " ", "\x00" * 2000]
    assert [401] * 5 == [stranger.login(guess).status_code for guess in guesses]
    answer = stranger.login(PASSWORD)
    assert (429, "60") == (answer.status_code, answer.headers["Retry-After"])
    assert "Too many guesses" in answer.text
    assert 303 == stranger.get("/console/").status_code


def test_guessing_from_many_addresses(sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """Strangers together have 120 guesses at once. Then the next is turned away, right or wrong, wherever it is from.

    A session that is open stays so, and a browser that has logged in before can do so again.
    """
    operator = make_operator(sqlite_engine, TRUSTED_PROXIES="1")
    operator.login()
    many = type(operator)(operator.web)
    token = many.token()
    statuses = [_guess_from(many, token, f"203.0.113.{number}") for number in range(124)]
    assert [401] * 119 + [429] * 5 == statuses
    assert 429 == _guess_from(many, token, "198.51.100.1", PASSWORD)
    assert 200 == operator.get("/console/").status_code
    operator.post("/console/logout")
    assert 303 == _guess_from(operator, operator.token(), "198.51.100.1", PASSWORD)


def test_a_flood_from_few_addresses(sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """When others have used up what strangers may guess, an address that has guessed nothing yet is heard once."""
    many = make_operator(sqlite_engine, TRUSTED_PROXIES="1")
    token = many.token()
    for number in range(300):
        _guess_from(many, token, f"203.0.113.{number % 20}")
    assert 401 == _guess_from(many, token, "198.51.100.1")
    assert 429 == _guess_from(many, token, "198.51.100.1")
    assert 303 == _guess_from(many, token, "198.51.100.2", PASSWORD)


def _guess_from(browser: Any, token: str, address: str, password: str = "x") -> int:
    status: int = browser.post("/console/login", token, {"X-Forwarded-For": address}, password=password).status_code
    return status


def test_what_the_log_says(stranger: Any) -> None:
    """Logins, wrong guesses and logouts are logged; the password, guesses and the session's id aren't."""
    with capture_logs() as logs:
        stranger.login("a wrong guess")
        stranger.login()
        stranger.post("/console/logout")
    events = ["wrong password for the console", "console opened", "console closed"]
    assert events == [line["event"] for line in logs if "console" in line["event"]]
    assert logs[-1]["session"] == logs[-2]["session"]
    assert not re.search(r"wrong guess|correct horse|[0-9a-f]{32}", str(logs))


def test_headers(operator: Any) -> None:
    """Nothing runs in a page, nothing may frame it, nothing is kept of it, and no address of it leaks."""
    for path in ("/console/", "/console/login", "/console/nothing", "/console/console.css"):
        headers = operator.get(path).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }
        assert ("nosniff", "no-referrer") == (headers["X-Content-Type-Options"], headers["Referrer-Policy"])
        assert headers["Cache-Control"] == ("no-cache" if path.endswith("css") else "no-store")


def test_the_stylesheet_is_cached_by_its_content(stranger: Any) -> None:
    """Browsers keep the style sheet that a page names, and ask anew for another one."""
    found = re.search(r'href="(/console/console.css\?v=[0-9a-f]{12})"', stranger.get("/console/login").text)
    assert found
    assert "immutable" in stranger.get(found[1]).headers["Cache-Control"]
    assert "no-cache" == stranger.get("/console/console.css?v=0").headers["Cache-Control"]


def test_a_form_that_is_too_large(operator: Any) -> None:
    """More than a form can be isn't read."""
    assert 413 == operator.post("/console/logout", padding="x" * 20_000).status_code


def test_a_page_that_is_not_there(operator: Any) -> None:
    """An unknown address is a page that says so."""
    answer = operator.get("/console/nothing/at/all")
    assert (404, True) == (answer.status_code, "No such page" in answer.text)


def test_without_its_database(operator: Any) -> None:
    """When the database is away, the console says so; it doesn't let anybody in unseen."""
    operator.web.parts.engine.dispose()
    with operator.web.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE logouts RENAME TO gone")
    answer = operator.get("/console/")
    assert (503, True) == (answer.status_code, "The database is away" in answer.text)


def test_webhooks_have_no_session(operator: Any) -> None:
    """Outside the console no cookie is read or set."""
    answer = operator.client.get("/healthz", base_url=operator.base)
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers
