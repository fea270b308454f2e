"""What a browser keeps after a login: it is known by it, nobody can make one, and it opens nothing."""

from __future__ import annotations

import pytest
from flask import Request, Response
from werkzeug.test import EnvironBuilder

from adapter.web.console.device import KEPT_SECONDS, Devices

KEY, OLDER = b"k" * 32, b"o" * 32


def request_with(cookie: str = "", base: str = "https://adapter.example") -> Request:
    """Return a request that brings this cookie."""
    headers = [("Cookie", cookie)] if cookie else []
    return Request(EnvironBuilder("/console/login", base, headers=headers).get_environ())


def kept(devices: Devices, request: Request) -> tuple[str, str]:
    """Return the cookie that a browser keeps, and how it is to be kept."""
    cookie, _, ways = devices.keep(Response(), request).headers["Set-Cookie"].partition("; ")
    return cookie, ways


def test_a_browser_is_known_again() -> None:
    """Its name stays the same at the next login; two browsers have two names."""
    devices = Devices([KEY], "password")
    assert devices.name_of(request_with()) is None
    cookie, _ = kept(devices, request_with())
    name = devices.name_of(request_with(cookie))
    assert name
    again, _ = kept(devices, request_with(cookie))
    assert name == devices.name_of(request_with(again))
    other, _ = kept(devices, request_with())
    assert name != devices.name_of(request_with(other))


def test_how_it_is_kept() -> None:
    """Over https for this very host alone; no script reads it, and no other site's form brings it along."""
    cookie, ways = kept(Devices([KEY], "password"), request_with())
    assert cookie.startswith("__Host-order-adapter-known=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", f"Max-Age={KEPT_SECONDS}"} <= set(ways.split("; "))
    plain, ways = kept(Devices([KEY], "password"), request_with(base="http://127.0.0.1:8000"))
    assert plain.startswith("order-adapter-known=")
    assert "Secure" not in ways


def test_keys() -> None:
    """An older key still knows it, so that a new one locks nobody out; another password knows nobody."""
    cookie, _ = kept(Devices([OLDER], "password"), request_with())
    assert Devices([KEY, OLDER], "password").name_of(request_with(cookie))
    assert Devices([KEY], "password").name_of(request_with(cookie)) is None
    assert Devices([OLDER], "another password").name_of(request_with(cookie)) is None


@pytest.mark.parametrize("value", ["", ".", "x", "x.", ".x", "x.y", "x.\xff", "a.b.c", "x" * 5_000, "é.é"])
def test_forged_ones(value: str) -> None:
    """What wasn't signed here is nobody's name, whatever it holds."""
    assert Devices([KEY], "password").name_of(request_with(f"__Host-order-adapter-known={value}")) is None
