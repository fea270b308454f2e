"""Which cookies an answer sets, for whom, and what a refusal deletes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHOP = "https://shop.example"
EVERYTHING = {"aleid": "click-1", "alart": "app~1", "axwrt": "6f1c-browser", "client_id": "me.1", "sid": "s-1"}
YEAR = "Domain=shop.example; Secure; Path=/; SameSite=Lax; Max-Age=31536000"
GONE = "Domain=shop.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; Path=/; SameSite=Lax"

_MAPPING = """extends = "shopify"
[storefront]
origins = ["https://shop.example", "https://www.shop.example", "https://other.example"]
{domain}
[consent]
required = {required}
"""


@pytest.fixture
def make_shop(tmp_path: Path, sqlite_engine: Any, make_web: Callable[..., Any]) -> Callable[..., Any]:
    """Return a maker of applications whose one shop has a cookie domain, or none."""

    def make(*, required: bool = False, domain: str = "cookie_domain = 'shop.example'") -> Any:
        folder = tmp_path / "mappings"
        folder.mkdir()
        base = (Path(__file__).parents[2] / "mappings" / "shopify.toml").read_text()
        (folder / "shopify.toml").write_text(base)
        (folder / "acme.toml").write_text(_MAPPING.format(domain=domain, required=str(required).lower()))
        return make_web(sqlite_engine, MAPPINGS_DIR=str(folder))

    return make


def post(web: Any, body: dict[str, str], origin: str | None = SHOP, host: str = "events.shop.example") -> Any:
    """Post a click as a page does that was opened under another host."""
    headers = {"Host": host, **({"Origin": origin} if origin else {})}
    return web.client.post("/clicks/acme", json={"checkout_token": "c0ffee", **body}, headers=headers)


def cookies(answer: Any) -> dict[str, str]:
    """Return the attributes of each cookie that the answer sets, and its value in front; not when a year is over."""
    found = (line.split("; ", 1) for line in answer.headers.getlist("Set-Cookie"))
    return {name.partition("=")[0]: f"{name.partition('=')[2]}; {_sorted(rest)}" for name, rest in found}


def _sorted(attributes: str) -> str:
    kept = (text for text in attributes.split("; ") if not text.startswith("Expires=") or "1970" in text)
    return "; ".join(sorted(kept))


def expected(**values: str) -> dict[str, str]:
    """Return these cookies as they are set for a year."""
    return {name: f"{value}; {_sorted(YEAR)}" for name, value in values.items()}


def test_what_was_posted_is_set(make_shop: Callable[..., Any]) -> None:
    """The identifiers become cookies of the shop's domain for a year, readable by the pixel; sid doesn't."""
    answer = post(make_shop(), EVERYTHING)
    wanted = expected(_axeid="click-1", alart="app~1", axwrt="6f1c-browser", order_adapter_id="me.1")
    assert (204, wanted) == (answer.status_code, cookies(answer))


def test_only_what_was_posted(make_shop: Callable[..., Any]) -> None:
    """What is stored under the same key already is neither set nor told: two answers to the same post are the same."""
    web = make_shop()
    first = post(web, {"axwrt": "w"})
    post(web, EVERYTHING)
    again = post(web, {"axwrt": "w"})
    assert expected(axwrt="w") == cookies(first) == cookies(again)
    assert facts_of(first) == facts_of(again)


def facts_of(answer: Any) -> tuple[int, bytes, list[str]]:
    """Return status, body and the names of the headers."""
    return answer.status_code, answer.data, [name for name, _ in answer.headers]


def test_every_character_that_passes(make_shop: Callable[..., Any]) -> None:
    """A cookie holds exactly what was posted, without quotes around it, whatever characters an identifier has."""
    value = "AZaz09._~:|+/=!*@%-"
    assert expected(_axeid=value) == cookies(post(make_shop(), {"aleid": value}))


@pytest.mark.parametrize(
    ("host", "is_set"),
    [
        ("shop.example", True),
        ("events.shop.example", True),
        ("EVENTS.shop.example:8443", True),
        ("a.b.shop.example.", True),
        ("notshop.example", False),
        ("shop.example.evil.example", False),
        ("adapter.onrender.com", False),
        ("[::1]:8000", False),
    ],
)
def test_the_host(make_shop: Callable[..., Any], host: str, is_set: bool) -> None:
    """Cookies are set where the adapter runs under the shop's domain, and nowhere else."""
    answer = post(make_shop(), {"aleid": "a"}, host=host)
    assert (204, expected(_axeid="a") if is_set else {}) == (answer.status_code, cookies(answer))


@pytest.mark.parametrize("origin", ["null", None])
def test_no_cookies_for_a_sandboxed_frame(make_shop: Callable[..., Any], origin: str | None) -> None:
    """A pixel's click is stored, and its answer sets nothing."""
    answer = post(make_shop(), EVERYTHING, origin)
    assert (204, {}) == (answer.status_code, cookies(answer))


def test_no_cookies_for_strangers(make_shop: Callable[..., Any]) -> None:
    """A foreign origin gets no cookies, and neither does a click that can't be used."""
    web = make_shop()
    foreign, wrong = post(web, EVERYTHING, "https://evil.example"), post(web, {"aleid": "two words"})
    assert (403, {}, 400, {}) == (foreign.status_code, cookies(foreign), wrong.status_code, cookies(wrong))


def test_no_cookie_domain(make_shop: Callable[..., Any]) -> None:
    """Without a cookie domain in the mapping nothing is set."""
    assert {} == cookies(post(make_shop(domain=""), EVERYTHING, host="shop.example"))


@pytest.mark.parametrize(
    ("required", "consent", "wanted"),
    [
        (False, None, expected(_axeid="a")),
        (False, "granted", expected(_axeid="a", order_adapter_consent="granted")),
        (True, None, {}),
        (True, "granted", expected(_axeid="a", order_adapter_consent="granted")),
    ],
)
def test_consent(make_shop: Callable[..., Any], required: bool, consent: str | None, wanted: dict[str, str]) -> None:
    """Where the mapping requires consent, nothing is set unless this very click says that it was given."""
    web = make_shop(required=required)
    answer = post(web, {"aleid": "a", **({"consent": consent} if consent else {})})
    assert wanted == cookies(answer)


def test_an_earlier_consent(make_shop: Callable[..., Any]) -> None:
    """A yes that was posted before under the same key sets no cookie: the answer would tell who knows of whom."""
    web = make_shop(required=True)
    assert expected(order_adapter_consent="granted") == cookies(post(web, {"consent": "granted"}))
    assert {} == cookies(post(web, {"aleid": "a"}))
    assert {"aleid": "a", "consent": "granted"}.items() <= web.parts.clicks.find(
        "acme", [("checkout_token", "c0ffee")]
    ).items()


@pytest.mark.parametrize("required", [True, False])
def test_a_refusal(make_shop: Callable[..., Any], required: bool) -> None:
    """A refusal deletes every cookie of ours, and is all that is stored: no identifier, no address, no page."""
    web = make_shop(required=required)
    answer = post(web, {**EVERYTHING, "consent": "denied", "page_url": f"{SHOP}/"})
    names = ("_axeid", "axwrt", "alart", "order_adapter_id", "order_adapter_consent")
    gone = {name: f"; {_sorted(GONE)}" for name in names}
    assert (204, gone) == (answer.status_code, cookies(answer))
    assert {"consent": "denied"} == web.parts.clicks.find("acme", [("checkout_token", "c0ffee")])


def test_a_cross_site_origin(make_shop: Callable[..., Any]) -> None:
    """A listed origin of another site gets the same answer; its browser drops cookies that are SameSite=Lax."""
    assert expected(_axeid="a") == cookies(post(make_shop(), {"aleid": "a"}, "https://other.example"))
