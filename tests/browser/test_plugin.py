"""The plugin in a real PHP, asked without a browser: what it prints, writes and sets, and what it doesn't."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakeshops.woocommerce import new_order
from werkzeug.test import Client, TestResponse

pytestmark = [pytest.mark.processes, pytest.mark.debian]

COOKIES = "_axeid=click-1; _axwrt=browser-1; alart=user-1; order_adapter_id=own-1"
KEPT = {
    "_axon_event_id": "click-1",
    "_axon_client_id": "browser-1",
    "_axon_alart": "user-1",
    "_order_adapter_id": "own-1",
}
REQUIRED = "[consent]\nrequired = true\n"
KEY = "wc_order_k1001"


def get(shop: Any, path: str, cookies: str = COOKIES) -> TestResponse:
    """Ask for a page of the shop."""
    return Client(shop, use_cookies=False).get(path, headers={"Host": "www.woo.example", "Cookie": cookies})


def check_out(shop: Any, cookies: str = COOKIES, checkout: str = "classic", **changes: Any) -> dict[str, Any]:
    """Place order 1001; return the meta data that is stored with it."""
    body = json.dumps({"order": new_order(1001, **changes), "checkout": checkout})
    answer = Client(shop, use_cookies=False).post(
        "/checkout/", data=body, headers={"Host": "www.woo.example", "Cookie": cookies}
    )
    assert (201, b"") == (answer.status_code, answer.data)
    found: dict[str, Any] = shop.order(1001)["meta"]
    return found


def received(shop: Any, key: str = f"?key={KEY}", cookies: str = COOKIES) -> list[Any]:
    """Return what the page after the checkout tells the pixel: the purchase and the options; [] when nothing."""
    page = get(shop, f"/checkout/order-received/1001/{key}", cookies)
    assert 200 == page.status_code
    called = re.findall(r"\}\)\(\); \}\)\((.*)\);</script>", page.text)
    assert page.text.count('"purchase"') == len(called)
    assert not set("<>&'") & set("".join(called))
    return json.loads(f"[{called[0]}]") if called else []


def test_the_tag(make_woocommerce: Any) -> None:
    """Every page has the script once, with the plugin's own address for keeping cookies."""
    _, shop = make_woocommerce()
    page = get(shop, "/")
    tag = (
        '<script src="https://adapter.woo.example/storefront/my-woocommerce.js" defer'
        ' data-keep="/?wc-ajax=order_adapter" nonce="n0nce"></script>'
    )
    assert (200, 1) == (page.status_code, page.text.count(tag))


def test_without_woocommerce(make_woocommerce: Any) -> None:
    """Where WooCommerce isn't active nothing is printed, and nothing breaks."""
    _, shop = make_woocommerce(has_woocommerce=False)
    page = get(shop, f"/checkout/order-received/1001/?key={KEY}")
    assert (200, False) == (page.status_code, "adapter" in page.text)


def test_two_copies(make_woocommerce: Any, tmp_path: Path) -> None:
    """A second copy of the file, under another name, does nothing."""
    _, shop = make_woocommerce()
    (tmp_path / "copy.php").write_bytes(shop.plugins[0].read_bytes())
    shop.plugins.append(tmp_path / "copy.php")
    page = get(shop, "/")
    assert (200, 1) == (page.status_code, page.text.count("/storefront/my-woocommerce.js"))


@pytest.mark.parametrize("checkout", ["classic", "block"])
@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (COOKIES, KEPT),
        ("", {}),
        ("axwrt=mirror-1", {"_axon_client_id": "mirror-1"}),
        ("_axwrt=browser-1; axwrt=mirror-1", {"_axon_client_id": "browser-1"}),
        ("_axeid=a%2Bb+c%2F", {"_axon_event_id": "a+b+c/"}),
        ("x_axeid=no; _axeid=yes", {"_axon_event_id": "yes"}),
        ("_axeid=%3Cscript%3E", {}),
        ("_axeid=two%20words", {}),
        ("_axeid=line%0Abreak", {}),
        (f"_axeid={'x' * 513}", {}),
        (f"_axeid={'x' * 512}", {"_axon_event_id": "x" * 512}),
    ],
)
def test_what_an_order_gets(make_woocommerce: Any, checkout: str, cookies: str, expected: dict[str, str]) -> None:
    """The order gets what Axon takes, in both checkouts, and nothing else."""
    _, shop = make_woocommerce()
    assert expected == check_out(shop, cookies, checkout)


GRANTED = {**KEPT, "ad_consent": "granted"}
YES, NO = "; wp_consent_marketing=allow", "; wp_consent_marketing=deny"
TOLD = "; order_adapter_consent=granted"


@pytest.mark.parametrize(
    ("required", "consent_type", "cookies", "expected"),
    [
        (False, "optin", COOKIES, {}),
        (False, "optin", COOKIES + TOLD, {}),
        (False, "optin", COOKIES + NO, {"ad_consent": "denied"}),
        (False, "optin", COOKIES + NO + TOLD, {"ad_consent": "denied"}),
        (False, "optin", COOKIES + YES, GRANTED),
        (True, "optin", COOKIES, {}),
        (True, "optin", COOKIES + YES, GRANTED),
        # The browser is told later whether this buyer is to be asked.
        (False, "later", COOKIES, {}),
        (False, "later", COOKIES + YES, GRANTED),
        (False, "later", COOKIES + NO, {"ad_consent": "denied"}),
        # The WP Consent API is there, and no consent plugin uses it.
        (True, "", COOKIES, {}),
        (False, "", COOKIES, KEPT),
        (False, "", COOKIES + NO, {"ad_consent": "denied"}),
        # It isn't there; a banner of another kind may have told the script.
        (True, None, "_axeid=click-1; _axwrt=browser-1", {}),
        (True, None, COOKIES, {}),
        (True, None, COOKIES + TOLD, GRANTED),
        (False, None, COOKIES, KEPT),
        (False, None, COOKIES + TOLD, GRANTED),
        (False, None, COOKIES + NO, {"ad_consent": "denied"}),
    ],
)
def test_consent(
    make_woocommerce: Any, consent_type: str | None, cookies: str, expected: dict[str, str], *, required: bool
) -> None:
    """The order says what the buyer answered; identifiers, cookies and purchase need the right to keep them."""
    tables = REQUIRED if required else ""
    _, shop = make_woocommerce(tables, has_consent_api=consent_type is not None, consent_type=consent_type or "")
    assert expected == check_out(shop, cookies)
    may_keep = "_axon_event_id" in expected
    assert may_keep == bool(received(shop, cookies=cookies))
    assert may_keep == ("Set-Cookie" in get(shop, "/?wc-ajax=order_adapter", cookies).headers)


def test_another_name_of_the_consents_cookie(make_woocommerce: Any, tmp_path: Path) -> None:
    """A shop may call the cookies of the WP Consent API otherwise."""
    _, shop = make_woocommerce(has_consent_api=True)
    more = tmp_path / "more.php"
    more.write_text("<?php add_filter('wp_consent_cookie_prefix', function () { return 'our_own'; });")
    shop.plugins.append(more)
    assert {} == check_out(shop, COOKIES + NO)
    assert {"ad_consent": "denied"} == check_out(shop, f"{COOKIES}; our_own_marketing=deny")


def test_an_order_that_had_identifiers(make_woocommerce: Any) -> None:
    """A refusal takes out what an earlier try of the checkout has written."""
    _, shop = make_woocommerce(has_consent_api=True)
    assert {"ad_consent": "denied"} == check_out(shop, f"{COOKIES}; wp_consent_marketing=deny", meta=KEPT)


def test_the_cookies(make_woocommerce: Any) -> None:
    """Asked by the script the plugin sets what the browser has for a year, and says nothing else."""
    _, shop = make_woocommerce()
    answer = get(shop, "/?wc-ajax=order_adapter", "_axeid=click%2B1; _axwrt=browser-1; session=secret")
    assert (204, b"") == (answer.status_code, answer.data)
    found = answer.headers.getlist("Set-Cookie")
    assert ["_axeid=click%2B1", "axwrt=browser-1"] == [cookie.split(";")[0] for cookie in found]
    for cookie in found:
        traits = re.sub(r"expires=[^;]*; ", "", cookie.partition("; ")[2])
        assert "Max-Age=31536000; path=/; domain=woo.example; secure; SameSite=Lax" == traits


@pytest.mark.parametrize("key", ["", "?key=", "?key=wc_order_k1002", "?key[]=wc_order_k1001", f"?key={KEY}x"])
def test_a_stranger(make_woocommerce: Any, key: str) -> None:
    """Who doesn't know the order's key is told nothing of it."""
    _, shop = make_woocommerce()
    check_out(shop)
    assert [] == received(shop, key)
    assert 2 == len(received(shop))


def test_an_unknown_order(make_woocommerce: Any) -> None:
    """An order that isn't there is no error."""
    _, shop = make_woocommerce()
    assert [] == received(shop)


@pytest.mark.parametrize(
    ("count", "changes", "is_told"),
    [
        ("paid", {"status": "processing"}, True),
        ("paid", {"status": "completed"}, True),
        ("paid", {"status": "pending"}, False),
        ("paid", {"status": "on-hold", "transaction_id": "t"}, False),
        ("authorized", {"status": "on-hold", "transaction_id": "t"}, True),
        ("authorized", {"status": "on-hold"}, False),
        ("authorized", {"status": "processing"}, True),
        ("placed", {"status": "on-hold"}, True),
        ("placed", {"status": "pending"}, True),
        ("placed", {"status": "failed"}, False),
        ("placed", {"status": "cancelled"}, False),
    ],
)
def test_which_orders_count(make_woocommerce: Any, count: str, changes: dict[str, str], *, is_told: bool) -> None:
    """The pixel is told of an order when the mapping file counts it: later, when it is paid later."""
    _, shop = make_woocommerce(f'[orders]\ncount = "{count}"\n')
    check_out(shop, **changes)
    assert is_told == bool(received(shop))
    assert [] == received(shop) or not is_told


def test_paid_after_the_page_was_seen(make_woocommerce: Any) -> None:
    """A page that was seen before the payment came tells the pixel when it is loaded again, once."""
    _, shop = make_woocommerce()
    check_out(shop, status="pending")
    assert [] == received(shop)
    check_out(shop, status="processing")
    assert ([2, 0]) == [len(received(shop)), len(received(shop))]


def test_what_the_pixel_is_told(make_woocommerce: Any) -> None:
    """The figures are the adapter's; what a product is called can end no script."""
    _, shop = make_woocommerce("[event]\ndedupe_id = \"join('', ['a_', purchase.id, '<b>'])\"\n")
    lines = [
        {
            "name": "</script><script>alert(1)</script>",
            "product_id": 1,
            "variation_id": 0,
            "quantity": 3,
            "total": "10",
        },
        {"name": "returned", "product_id": 2, "variation_id": 0, "quantity": -1, "total": "-5"},
        {"name": "free", "product_id": 3, "variation_id": 4, "quantity": 0.5, "total": "0"},
        {"name": "gone", "product_id": 0, "variation_id": 0, "quantity": 1, "total": "2.5"},
    ]
    check_out(shop, items=lines)
    purchase, options = received(shop)
    assert {"dedupe_id": "a_1001<b>"} == options
    assert 12.5 == purchase["value"]
    assert [
        {"item_id": "1", "item_name": "alert(1)", "price": 3.333333, "quantity": 3},
        {"item_id": "3", "item_variant_id": "4", "item_name": "free", "price": 0, "quantity": 0.5},
        {"item_id": "gone", "item_name": "gone", "price": 2.5, "quantity": 1},
    ] == purchase["items"]


def test_a_dedupe_id_that_php_can_not_make(make_woocommerce: Any) -> None:
    """Rather than count twice, the pixel is told nothing."""
    _, shop = make_woocommerce('[event]\ndedupe_id = "order.number"\n')
    check_out(shop)
    assert [] == received(shop)


def test_filters(make_woocommerce: Any, tmp_path: Path) -> None:
    """A shop's own code can answer for another consent plugin, and change what the pixel is told."""
    _, shop = make_woocommerce()
    more = tmp_path / "more.php"
    more.write_text(
        "<?php add_filter('order_adapter_consent', function ($answer) { return 'granted'; });"
        "add_filter('order_adapter_purchase', function ($purchase, $order) {"
        "$purchase['value'] = 1; return $purchase; });"
    )
    shop.plugins.append(more)
    assert {**KEPT, "ad_consent": "granted"} == check_out(shop)
    assert 1 == received(shop)[0]["value"]
    more.write_text("<?php add_filter('order_adapter_consent', function ($answer) { return 'denied'; });")
    assert {"ad_consent": "denied"} == check_out(shop)
