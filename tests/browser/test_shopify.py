"""The storefront script and the custom pixel in a real browser, on a small Shopify under a strict policy."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from fakeshops.waiting import wait_until, wait_until_still

from adapter.web.storefront.snippets import snippets

pytestmark = [pytest.mark.processes, pytest.mark.debian]

SHOP = "https://www.shop.example"
CLICKS = "/clicks/my-shopify"
REQUIRED = "[consent]\nrequired = true\n"
STRICT = (
    "default-src 'none'; script-src 'self' https://adapter.shop.example; "
    "connect-src 'self' https://adapter.shop.example; frame-src 'self'"
)


def cookies(page: Any) -> dict[str, str]:
    """Return the cookies of the shop that are of interest here."""
    names = ("_axeid", "axwrt", "alart", "order_adapter_id")
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies(SHOP) if cookie["name"] in names}


def posts(service: Any) -> list[dict[str, str]]:
    """Return the headers of every click that was posted."""
    found: list[dict[str, str]] = service.hosts.asked("adapter.shop.example", CLICKS)
    return found


def browse(page: Any) -> None:
    """Follow a link to another page of the shop."""
    page.click("#product")
    page.wait_for_url("**/products/fern")


def quiet(page: Any, service: Any) -> None:
    """Let the page's clock go on to after the script's last look around, and wait for what that asks for."""
    page.clock.fast_forward(3500)
    wait_until_still(service.hosts, page)


def test_from_the_ad_to_the_cart(page: Any, make_shopify: Any) -> None:
    """The click is kept and told under the browser's id; once the cart has a token, under that and in attributes."""
    service, shop = make_shopify(policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click-1&alart=user-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    kept = cookies(page)
    own = kept.pop("order_adapter_id")
    assert {"_axeid": "click-1", "alart": "user-1"} == kept
    assert re.fullmatch("[0-9a-f]{32}", own)
    told = {"aleid": "click-1", "alart": "user-1", "client_id": own}
    assert {**told, "page_url": f"{SHOP}/"} == service.stored("my-shopify", "client_id", own)
    page.evaluate("document.cookie = '_axwrt=browser-1; path=/; secure'")  # As the pixel does.
    browse(page)
    page.evaluate("addToCart()")
    cart = wait_until(lambda: next((cart for cart in shop.carts.values() if cart.items), None), page)
    token = cart.token.partition("?")[0]
    wait_until(lambda: service.stored("my-shopify", "cart_token", token), page)
    everything = {**told, "axwrt": "browser-1"}
    assert {**everything, "page_url": f"{SHOP}/products/fern"} == service.stored("my-shopify", "cart_token", token)
    expected = {"_axon_event_id": "click-1", "_axon_client_id": "browser-1", "_axon_alart": "user-1"}
    attributes = wait_until(lambda: cart.attributes if len(cart.attributes) == 4 else None, page)
    assert {**expected, "_order_adapter_id": own} == attributes


def test_a_visitor_without_a_click(page: Any, make_shopify: Any) -> None:
    """Of whom nothing is known, nothing is told and no cart is begun; the buyer's own id comes with what is bought."""
    service, shop = make_shopify()
    page.goto(SHOP)
    quiet(page, service)
    assert ([], [], {"order_adapter_id"}) == (posts(service), shop.updates, set(cookies(page)))
    page.evaluate("addToCart()")
    wait_until(lambda: posts(service) and shop.updates, page)
    assert [{"_order_adapter_id": cookies(page)["order_adapter_id"]}] == shop.updates


def test_only_what_is_new(page: Any, make_shopify: Any) -> None:
    """More pages, and a reload, post and write nothing; a new click does."""
    service, shop = make_shopify()
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    page.evaluate("addToCart()")
    wait_until(lambda: len(posts(service)) == 2 and len(shop.updates) == 2, page)
    browse(page)
    page.reload()
    quiet(page, service)
    assert (2, 2) == (len(posts(service)), len(shop.updates))
    page.goto(f"{SHOP}/?aleid=click-2")
    wait_until(lambda: len(posts(service)) == 3 and len(shop.updates) == 3, page)
    assert "click-2" == cookies(page)["_axeid"]
    assert {"_axon_event_id": "click-2"} == shop.updates[-1]


RECORDING = """
window.fetched = [];
window.written = [];
const fetching = window.fetch;
window.fetch = (url, how) => { window.fetched.push(how); return fetching(url, how); };
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
Object.defineProperty(document, "cookie", {
  get: () => cookie.get.call(document),
  set: (text) => { window.written.push(text); cookie.set.call(document, text); },
});
"""


def test_how_it_is_told(page: Any, make_shopify: Any) -> None:
    """The post brings the shop's cookies and outlives its page; the cart's token comes without its key."""
    service, shop = make_shopify()
    page.add_init_script(RECORDING)
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    page.evaluate("addToCart()")
    wait_until(lambda: len(posts(service)) == 2, page)
    first, second = (how for how in page.evaluate("fetched") if how["body"] != "{}")  # That is what the shop adds by.
    for told in (first, second):
        assert ("POST", "include", True) == (told["method"], told["credentials"], told["keepalive"])
    cart = next(cart for cart in shop.carts.values() if cart.items)
    assert cart.token.partition("?")[0] == json.loads(second["body"])["cart_token"]
    assert "_axeid=click-1" in posts(service)[0]["cookie"]


@pytest.mark.parametrize(("is_set_by_server", "again"), [(True, set()), (False, {"_axeid", "order_adapter_id"})])
def test_a_cookie_that_is_right(page: Any, make_shopify: Any, again: set[str], *, is_set_by_server: bool) -> None:
    """In Safari a script that writes a cookie again cuts the server's year to seven days, or renews its own seven."""
    service, _ = make_shopify(cookies=is_set_by_server)
    page.add_init_script(RECORDING)
    page.goto(f"{SHOP}/?aleid=click-1")
    assert {"_axeid", "order_adapter_id"} == {text.partition("=")[0] for text in page.evaluate("written")}
    wait_until(lambda: posts(service), page)
    browse(page)
    quiet(page, service)
    assert again == {text.partition("=")[0] for text in page.evaluate("written")}


def test_the_server_sets_the_cookies(page: Any, make_shopify: Any) -> None:
    """On a subdomain of the shop the answer sets the cookies for a year, for the shop's domain."""
    service, _ = make_shopify()
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    wait_until_still(service.hosts, page)
    found = next(cookie for cookie in page.context.cookies(SHOP) if cookie["name"] == "_axeid")
    assert (".shop.example", True, False, "Lax") == (
        found["domain"], found["secure"], found["httpOnly"], found["sameSite"],
    )  # fmt: skip
    assert 360 < (found["expires"] - time.time()) / 86400 <= 366
    assert 1 == [cookie["name"] for cookie in page.context.cookies(SHOP)].count("_axeid")


def test_a_late_yes(page: Any, make_shopify: Any) -> None:
    """Where consent is required nothing is kept or sent before it is given, over several pages; then everything is."""
    service, shop = make_shopify(REQUIRED, has_consent_api=True, policy=STRICT)
    page.goto(f"{SHOP}/?aleid=click-1")
    quiet(page, service)
    assert ({}, [], []) == (cookies(page), posts(service), shop.updates)
    page.evaluate("answerBanner(true)")
    wait_until(lambda: len(posts(service)) == 1 and shop.updates, page)
    assert [{"_axon_event_id": "click-1", "ad_consent": "granted"}] == shop.updates
    stored = service.stored("my-shopify", "client_id", cookies(page)["order_adapter_id"])
    assert ("click-1", "granted") == (stored["aleid"], stored["consent"])


def test_a_platform_that_waits_for_its_answer(page: Any, make_shopify: Any) -> None:
    """Where the shop asks for consent, the script waits for the answer also when the mapping doesn't require one."""
    service, shop = make_shopify(has_consent_api=True)
    page.goto(f"{SHOP}/?aleid=click-1")
    quiet(page, service)
    assert ({}, [], []) == (cookies(page), posts(service), shop.updates)


def test_a_late_no(page: Any, make_shopify: Any) -> None:
    """A refusal removes what was kept, from browser and cart; it alone is reported, again on later pages."""
    service, shop = make_shopify(has_consent_api=True)
    page.goto(SHOP)
    page.evaluate("answerBanner(true)")
    page.goto(f"{SHOP}/?aleid=click-1")
    page.evaluate("addToCart()")
    cart = wait_until(
        lambda: next((cart for cart in shop.carts.values() if cart.attributes.get("_axon_event_id")), None), page
    )
    token = cart.token.partition("?")[0]
    wait_until(lambda: service.stored("my-shopify", "cart_token", token), page)
    page.evaluate("answerBanner(false)")
    wait_until(lambda: {"ad_consent": "denied"} == cart.attributes, page)
    wait_until(lambda: service.stored("my-shopify", "cart_token", token).get("consent") == "denied", page)
    wait_until_still(service.hosts, page)
    assert {} == cookies(page)
    assert 0 == page.evaluate("sessionStorage.length")
    count = len(posts(service))
    page.goto(f"{SHOP}/?aleid=click-2")
    wait_until(lambda: len(posts(service)) == count + 1, page)
    quiet(page, service)
    assert ({}, {"ad_consent": "denied"}) == (cookies(page), cart.attributes)
    assert "aleid" not in service.stored("my-shopify", "cart_token", token)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_plain_function(page: Any, make_shopify: Any, when: str) -> None:
    """A banner of another kind tells the answer by one call, before the script has loaded or after."""
    service, shop = make_shopify(REQUIRED)
    if when == "before":
        page.add_init_script("window.orderAdapterConsent = 'granted'")
    page.goto(f"{SHOP}/?aleid=click-1")
    if when == "after":
        page.evaluate("orderAdapterConsent('granted')")
    wait_until(lambda: len(posts(service)) == 1 and shop.updates, page)
    assert "click-1" == cookies(page)["_axeid"]
    page.evaluate("orderAdapterConsent('denied')")
    wait_until(lambda: shop.updates[-1].get("ad_consent") == "denied", page)
    assert {} == cookies(page)


@pytest.mark.parametrize("has_consent_api", [True, False])
def test_a_no_in_another_tab(page: Any, make_shopify: Any, *, has_consent_api: bool) -> None:
    """A page that is still open, or is gone back to, keeps and tells nothing any more once the buyer has refused."""
    service, shop = make_shopify(has_consent_api=has_consent_api)
    say = "answerBanner({})" if has_consent_api else "orderAdapterConsent({})"
    page.goto(f"{SHOP}/?aleid=click-1")
    page.evaluate(say.format("true"))
    wait_until(lambda: len(posts(service)) == 1 and shop.updates, page)
    other = page.context.new_page()
    other.goto(f"{SHOP}/products/fern")
    other.evaluate(say.format("false"))
    wait_until(lambda: {} == cookies(page), page)
    wait_until_still(service.hosts, other)
    count = len(posts(service))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.evaluate("addToCart()")
    quiet(page, service)
    assert ({}, {"ad_consent": "denied"}) == (cookies(page), next(iter(shop.carts.values())).attributes)
    cart = next(cart for cart in shop.carts.values() if cart.items)
    told = service.stored("my-shopify", "cart_token", cart.token.partition("?")[0])
    assert ({"consent": "denied"} if has_consent_api else {}) == told
    assert has_consent_api or count == len(posts(service))
    page.evaluate(say.format("true"))
    wait_until(lambda: cookies(page).get("_axeid") == "click-1", page)


def test_a_newer_click_in_another_tab(page: Any, make_shopify: Any) -> None:
    """The page of the older click, where the buyer goes on, takes the newer one over."""
    service, shop = make_shopify()
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    other = page.context.new_page()
    other.goto(f"{SHOP}/?aleid=click-2")
    wait_until(lambda: len(posts(service)) == 2 and len(shop.updates) == 2, page)
    page.evaluate("addToCart()")
    wait_until(lambda: len(posts(service)) == 3 and len(shop.updates) == 3, page)
    (cart,) = shop.carts.values()
    assert ("click-2", "click-2") == (cookies(page)["_axeid"], cart.attributes["_axon_event_id"])


CRIPPLED = {
    "no fetch": "delete window.fetch",
    "fetch fails": "window.fetch = () => Promise.reject(new Error('blocked'))",
    "no session storage": "Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('no') }})",
    "no observer": "delete window.PerformanceObserver",
}


@pytest.mark.parametrize("crippling", CRIPPLED.values(), ids=CRIPPLED.keys())
def test_a_poor_browser(page: Any, make_shopify: Any, crippling: str) -> None:
    """Without fetch the click goes out by sendBeacon, with its cookies; without anything else it is told as well."""
    service, _ = make_shopify(cookies=False, policy=STRICT)
    page.add_init_script(crippling)
    page.goto(f"{SHOP}/?aleid=click-1")
    (headers,) = wait_until(lambda: posts(service), page)
    assert (SHOP, "text/plain;charset=UTF-8") == (headers["origin"], headers["content-type"])
    wait_until(lambda: service.stored("my-shopify", "client_id", cookies(page)["order_adapter_id"]), page)


BROKEN = {
    "no cookies": "const no = () => { throw new Error('no') };"
    "Object.defineProperty(Document.prototype, 'cookie', {get: no, set: no})",
    "no randomness": "Object.defineProperty(window, 'crypto', {value: undefined})",
    "no way to send": "delete window.fetch; Navigator.prototype.sendBeacon = undefined",
    "no XMLHttpRequest": "delete window.XMLHttpRequest",
    "strange Shopify": "window.Shopify = {customerPrivacy: {currentVisitorConsent() { throw new Error('no') }}}",
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_browser(page: Any, make_shopify: Any, breaking: str) -> None:
    """Whatever is missing, the shop's page sees no error: the fixture fails on any."""
    service, _ = make_shopify(policy=STRICT)
    page.add_init_script(breaking)
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until_still(service.hosts, page)
    assert [] == page.evaluate("window.errors")
    if "customerPrivacy" in breaking:  # What can't be asked for its answer hasn't said yes.
        assert ([], {}) == (posts(service), cookies(page))
    assert service.hosts.asked("adapter.shop.example", "/storefront/my-shopify.js")


def test_a_shop_without_a_cart(page: Any, make_shopify: Any) -> None:
    """Where there is no /cart.js, as on headless shops, the click is told under the browser's own id."""
    service, shop = make_shopify(has_cart=False)
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: service.stored("my-shopify", "client_id", cookies(page).get("order_adapter_id", "-")), page)
    assert [] == shop.updates


def test_no_word_without_consent(page: Any, make_shopify: Any) -> None:
    """Where consent is required and nobody has asked for it, the pixel says nothing either."""
    service, shop = make_shopify(REQUIRED)
    page.goto(SHOP)
    page.evaluate("document.cookie = '_axeid=click-1; path=/; secure'")
    page.goto(f"{SHOP}/checkout")
    wait_until_still(service.hosts, page)
    assert ([], 1) == (posts(service), len(shop.orders))


def test_a_foreign_page(page: Any, make_shopify: Any) -> None:
    """Another site that includes the script gets nothing stored: 403."""
    service, _ = make_shopify()
    service.hosts.applications["evil.example"] = service.hosts.applications["www.shop.example"]
    page.goto("https://evil.example/?aleid=click-1")
    wait_until(lambda: posts(service), page)
    wait_until_still(service.hosts, page)
    own = page.evaluate("/order_adapter_id=([0-9a-f]+)/.exec(document.cookie)[1]")
    assert {} == service.stored("my-shopify", "client_id", own)


def checked_out(page: Any, service: Any, shop: Any) -> dict[str, str]:
    """Check out; return what the custom pixel has posted, from its sandboxed frame, without cookies."""
    page.goto(f"{SHOP}/checkout")
    token = shop.orders[-1]["checkout_token"]
    found: dict[str, str] = wait_until(lambda: service.stored("my-shopify", "checkout_token", token), page)
    # It is noted when it is answered, a moment after it is stored; and a page's own post may come late.
    (headers,) = wait_until(lambda: [post for post in posts(service) if post["origin"] == "null"], page)
    assert None is headers.get("cookie")
    return found


def test_buy_now(page: Any, make_shopify: Any) -> None:
    """A checkout without a cart: the custom pixel reads the cookies and tells them under the checkout's token."""
    service, shop = make_shopify()
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: posts(service), page)
    page.evaluate("document.cookie = '_axwrt=browser-1; path=/; secure'")
    own = cookies(page)["order_adapter_id"]
    assert {"aleid": "click-1", "axwrt": "browser-1", "client_id": own} == checked_out(page, service, shop)


def test_the_pixel_without_cookies(page: Any, make_shopify: Any) -> None:
    """Where the browser has lost its cookies the cart's attributes still have the identifiers."""
    service, shop = make_shopify()
    page.goto(f"{SHOP}/?aleid=click-1")
    wait_until(lambda: len(posts(service)) == 1, page)
    page.evaluate("addToCart()")
    wait_until(lambda: len(posts(service)) == 2 and len(shop.updates) == 2, page)
    own = cookies(page)["order_adapter_id"]
    page.goto("about:blank")  # What is under way may still set cookies.
    wait_until_still(service.hosts, page)
    page.context.clear_cookies(name=re.compile("^(_ax|ax|order)"))
    assert {"aleid": "click-1", "client_id": own} == checked_out(page, service, shop)


YES = {"marketingAllowed": True, "saleOfDataAllowed": True}
NO = {"marketingAllowed": False, "saleOfDataAllowed": True}
NOT_SOLD = {"marketingAllowed": True, "saleOfDataAllowed": False}
GRANTED = {"aleid": "click-1", "consent": "granted"}
DENIED = {"consent": "denied"}


@pytest.mark.parametrize(
    ("early", "late", "told"),
    [(YES, None, GRANTED), (NO, None, DENIED), (NOT_SOLD, None, DENIED), (YES, NO, DENIED), (NO, YES, GRANTED)],
)
def test_the_pixel_and_consent(page: Any, make_shopify: Any, early: Any, late: Any, told: dict[str, str]) -> None:
    """Of a buyer whom Shopify doesn't let us market to, the pixel reports the refusal alone; the last word counts."""
    service, shop = make_shopify(privacy=early, late_privacy=late)
    page.goto(SHOP)
    page.evaluate("document.cookie = '_axeid=click-1; path=/; secure'")
    found = checked_out(page, service, shop)
    assert told == {name: text for name, text in found.items() if name != "client_id"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"id": "5839102746002"}, [{"dedupe_id": "acme-5839102746002"}]),
        ({"id": "gid://shopify/Order/5839102746002"}, [{"dedupe_id": "acme-5839102746002"}]),
        ({"id": None}, []),
        (None, []),
    ],
)
def test_the_axon_pixels_dedupe_id(page: Any, make_shopify: Any, order: Any, expected: list[dict[str, str]]) -> None:
    """What is pasted into the Axon pixel makes the mapping's dedupe_id; of an order without an id it says nothing."""
    service, _ = make_shopify("[event]\ndedupe_id = \"join('-', ['acme', purchase.id])\"\n")
    pasted = snippets(service.parts.shops.by_name["my-shopify"], "https://adapter.shop.example")["dedupe"].text
    told = page.evaluate(
        "([event, code]) => { const said = []; new Function('event', 'axon', 'purchase', code)"
        "(event, (...call) => said.push(call), {}); return said.map(call => call[3]); }",
        [{"data": {"checkout": {"order": order}}}, pasted],
    )
    assert expected == told
