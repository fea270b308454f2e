"""The storefront script and the plugin in a real browser and a real PHP, on a WooCommerce under a strict policy."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fakeshops.waiting import wait_until, wait_until_still
from fakeshops.woocommerce import new_order
from werkzeug.wrappers import Response

pytestmark = [pytest.mark.processes, pytest.mark.debian]

SHOP = "https://www.woo.example"
REQUIRED = "[consent]\nrequired = true\n"
STRICT = "default-src 'none'; script-src 'nonce-n0nce'; connect-src 'self' https://adapter.woo.example"
PURCHASE = {
    "currency": "EUR",
    "items": [
        {"item_id": "41", "item_name": "Ame & Kasa", "price": 11.203333, "quantity": 3},
        {"item_id": "77", "item_variant_id": "78", "item_name": "Fern pot", "price": 10, "quantity": 1},
    ],
    "transaction_id": "1001",
    "value": 43.61,
    "tax": 7.34,
    "shipping": 5,
}


def cookies(page: Any) -> dict[str, Any]:
    """Return the shop's cookies by name, those of its consent banner left out."""
    found = page.context.cookies(SHOP)
    return {cookie["name"]: cookie for cookie in found if not cookie["name"].startswith("wp_")}


def posts(service: Any) -> list[dict[str, str]]:
    """Return the headers of every click that was posted."""
    found: list[dict[str, str]] = service.hosts.asked("adapter.woo.example", "/clicks/my-woocommerce")
    return found


def check_out(page: Any, checkout: str = "classic", **changes: Any) -> str:
    """Place order 1001 from the shop's page, as its checkout does; return where the buyer is sent."""
    order = new_order(1001, **changes)
    body = json.dumps({"order": order, "checkout": checkout})
    send = "body => fetch('/checkout/', {method: 'POST', body}).then(answer => answer.status)"
    assert 201 == page.evaluate(send, body)
    return f"{SHOP}/checkout/order-received/{order['id']}/?key={order['order_key']}"


def calls(page: Any) -> list[list[Any]]:
    """Return every call of the pixel, those before a reload too."""
    found: list[list[Any]] = page.evaluate("JSON.parse(localStorage.getItem('axonCalls') || '[]')")
    return found


def test_the_script_alone(page: Any, make_woocommerce: Any) -> None:
    """On a page that allows the adapter's address alone the script works, and the browser blocks nothing."""
    service, _ = make_woocommerce()
    only = "https://adapter.woo.example"
    policy = {"Content-Security-Policy": f"default-src 'none'; script-src {only}; connect-src {only}"}
    html = f'<!doctype html><script defer src="{only}/storefront/my-woocommerce.js"></script>'
    service.hosts.applications["www.woo.example"] = Response(html, headers=policy, content_type="text/html")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    assert [] == [text for text in said if "favicon" not in text]


def test_a_page_that_is_left_at_once(page: Any, make_woocommerce: Any) -> None:
    """What was about to be told is told also when the buyer goes on before the answer."""
    service, _ = make_woocommerce()
    page.goto(f"{SHOP}/?aleid=click-1", wait_until="commit")
    page.wait_for_function("document.cookie.indexOf('order_adapter_id') >= 0")
    own = cookies(page)["order_adapter_id"]["value"]
    page.goto("about:blank")
    stored = wait_until(lambda: service.stored("my-woocommerce", "client_id", own), page)
    assert "click-1" == stored["aleid"]


@pytest.mark.parametrize("checkout", ["classic", "block"])
def test_from_the_ad_to_the_order(page: Any, make_woocommerce: Any, checkout: str) -> None:
    """The click goes from the address into cookies, and from there into the order, in both checkouts."""
    service, shop = make_woocommerce(policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click%2B1&alart=user-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    page.evaluate("document.cookie = '_axwrt=browser-1; path=/; secure'")  # As the pixel does.
    own = cookies(page)["order_adapter_id"]["value"]
    check_out(page, checkout)
    expected = {
        "_axon_event_id": "click+1",
        "_axon_client_id": "browser-1",
        "_axon_alart": "user-1",
        "_order_adapter_id": own,
    }
    assert expected == shop.order(1001)["meta"]


def test_the_page_after_the_checkout(page: Any, make_woocommerce: Any) -> None:
    """There the click is told under the order's key, and the pixel the purchase with the order's dedupe_id, once."""
    service, shop = make_woocommerce(policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    received = check_out(page)
    page.goto(received)
    assert [["track", "purchase", PURCHASE, {"dedupe_id": "1001"}]] == calls(page)
    own = cookies(page)["order_adapter_id"]["value"]
    expected = {"aleid": "click-1", "client_id": own, "page_url": f"{SHOP}/checkout/order-received/1001/"}
    assert expected == wait_until(lambda: service.stored("my-woocommerce", "order_key", "wc_order_k1001"), page)
    wait_until_still(service.hosts, page)
    page.reload()
    page.goto(received)
    wait_until_still(service.hosts, page)
    assert (1, 2) == (len(calls(page)), len(posts(service)))
    assert "1" == shop.order(1001)["meta"]["_order_adapter_pixel"]


def test_the_shops_server_sets_the_cookies(page: Any, make_woocommerce: Any) -> None:
    """The plugin answers the script's question with the same cookies from the shop's own server, for a year."""
    service, _ = make_woocommerce(cookies=False)
    page.goto(f"{SHOP}/?aleid=click-1")
    (sent,) = wait_until(lambda: service.hosts.asked("www.woo.example", "/") and keeping(service), page)
    assert "_axeid=click-1" in sent["cookie"]
    wait_until_still(service.hosts, page)
    found = cookies(page)
    assert {"_axeid", "order_adapter_id"} == set(found)
    assert ("www.woo.example", True, False, "Lax") == tuple(
        found["_axeid"][trait] for trait in ("domain", "secure", "httpOnly", "sameSite")
    )
    assert 360 < (found["_axeid"]["expires"] - time.time()) / 86400 <= 366


def keeping(service: Any) -> list[dict[str, str]]:
    """Return the headers of every request to the plugin's own address."""
    asked = [entry for entry in service.hosts.requests if entry[:2] == ("www.woo.example", "POST")]
    return [headers for _, _, path, headers in asked if path == "/"]


def test_a_late_yes(page: Any, make_woocommerce: Any) -> None:
    """With the WP Consent API nothing is kept or sent before the yes, and no pixel is told; then everything is."""
    service, shop = make_woocommerce(REQUIRED, has_consent_api=True, policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click-1")
    page.clock.fast_forward(3500)
    page.goto(check_out(page))
    wait_until_still(service.hosts, page)
    assert ({}, [], [], []) == (cookies(page), posts(service), keeping(service), calls(page))
    assert {} == shop.order(1001)["meta"]
    page.goto(f"{SHOP}/?aleid=click-1")
    page.evaluate("wp_set_consent('marketing', 'allow')")
    wait_until(lambda: len(posts(service)) == 1 and keeping(service), page)
    page.goto(check_out(page))
    meta = shop.order(1001)["meta"]
    assert ("click-1", "granted") == (meta["_axon_event_id"], meta["ad_consent"])
    assert 1 == len(calls(page))
    stored = wait_until(lambda: service.stored("my-woocommerce", "order_key", "wc_order_k1001"), page)
    assert ("click-1", "granted") == (stored["aleid"], stored["consent"])


def test_a_late_no(page: Any, make_woocommerce: Any) -> None:
    """A refusal removes what was kept; order and post say so and nothing else, and no pixel is told."""
    service, shop = make_woocommerce(has_consent_api=True, policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click-1")
    page.evaluate("wp_set_consent('marketing', 'allow')")
    wait_until(lambda: len(posts(service)) == 1 and keeping(service), page)
    wait_until_still(service.hosts, page)
    own = cookies(page)["order_adapter_id"]["value"]
    page.evaluate("wp_set_consent('marketing', 'deny')")
    wait_until(lambda: service.stored("my-woocommerce", "client_id", own) == {"consent": "denied"}, page)
    assert ({}, 0) == (cookies(page), page.evaluate("sessionStorage.length"))
    page.goto(check_out(page))
    assert {"ad_consent": "denied"} == shop.order(1001)["meta"]
    stored = wait_until(lambda: service.stored("my-woocommerce", "order_key", "wc_order_k1001"), page)
    assert ("denied", None) == (stored["consent"], stored.get("aleid"))
    assert ([], {}) == (calls(page), cookies(page))


def test_a_country_that_is_found_out_later(page: Any, make_woocommerce: Any) -> None:
    """As long as the consent plugin doesn't know whether it must ask, nothing is kept; then its word counts."""
    service, _ = make_woocommerce(has_consent_api=True, consent_type="later")
    page.goto(f"{SHOP}/?aleid=click-1")
    page.clock.fast_forward(3500)
    define = "type => { wp_consent_type = type; document.dispatchEvent(new Event('wp_consent_type_defined')); }"
    page.evaluate(define, "optin")
    wait_until_still(service.hosts, page)
    assert ({}, []) == (cookies(page), posts(service))
    page.evaluate("wp_set_consent('marketing', 'allow')")
    wait_until(lambda: len(posts(service)) == 1, page)
    assert "click-1" == cookies(page)["_axeid"]["value"]


@pytest.mark.parametrize("tables", ["", REQUIRED])
def test_a_consent_api_without_a_banner(page: Any, make_woocommerce: Any, tables: str) -> None:
    """The API says yes to everything where nobody asks: that is no buyer's yes."""
    service, _ = make_woocommerce(tables, has_consent_api=True, consent_type="")
    page.goto(f"{SHOP}/?aleid=click-1")
    page.clock.fast_forward(3500)
    wait_until_still(service.hosts, page)
    if tables:
        assert ({}, []) == (cookies(page), posts(service))
    else:
        wait_until(lambda: len(posts(service)) == 1, page)
        own = cookies(page)["order_adapter_id"]["value"]
        assert "consent" not in service.stored("my-woocommerce", "client_id", own)
        assert "order_adapter_consent" not in cookies(page)


def test_a_banner_of_another_kind(page: Any, make_woocommerce: Any) -> None:
    """Without the WP Consent API the answer is told by a call; our own cookie then tells the plugin of the yes."""
    service, shop = make_woocommerce(REQUIRED)
    page.goto(f"{SHOP}/?aleid=click-1")
    check_out(page)
    assert ({}, {}) == (cookies(page), shop.order(1001)["meta"])
    page.evaluate("orderAdapterConsent('granted')")
    wait_until(lambda: len(posts(service)) == 1 and keeping(service), page)
    check_out(page)
    meta = shop.order(1001)["meta"]
    assert ("click-1", "granted") == (meta["_axon_event_id"], meta["ad_consent"])
    page.evaluate("orderAdapterConsent('denied')")
    page.goto(check_out(page))
    page.evaluate("orderAdapterConsent('denied')")
    wait_until(
        lambda: service.stored("my-woocommerce", "order_key", "wc_order_k1001").get("consent") == "denied", page
    )
    assert {} == shop.order(1001)["meta"]
