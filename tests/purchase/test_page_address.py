"""The address of the page of a purchase leaves without anything that opens a door."""

from __future__ import annotations

import string
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.purchase.page_address import values_of, without_keys, without_parameter

HEX = "c9c6f0d4a1b2c3d4e5f60718293a4b5c"
ORDER_KEY = "wc_order_Inv3ntedKeyQx"
SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        # Shopify: order status pages, old and new checkouts, customer accounts, invoices, carts, app proxies.
        (f"/59091288216/orders/{HEX}/authenticate?key=3b1a0c", "/59091288216/orders/"),
        (f"/orders/{HEX}?key=3b1a0c", "/orders/"),
        (f"/59091288216/checkouts/{HEX}/thank_you?key=3b1a", "/59091288216/checkouts/"),
        ("/checkouts/cn/Z2NwLXVzLWNlbnRyYWwxOjAxSFg/de-de/thank-you", "/checkouts/"),
        ("/checkouts/c/ab/thank_you", "/checkouts/"),
        (f"/59091288216/account/orders/{HEX}?locale=de", "/59091288216/account/"),
        (f"/account/activate/7300200100009/{HEX}-1714564800", "/account/"),
        (f"/59091288216/invoices/{HEX}", "/59091288216/invoices/"),
        ("/cart/c/hWN1-abc?key=0f9c", "/cart/"),
        ("/cart/4120:1?checkout[email]=ada@example.com&access_token=x", "/cart/"),
        (f"/tools/receipt/{HEX}", "/tools/receipt/"),
        # WooCommerce: thank-you and payment pages, plain permalinks, other languages, a lost password.
        (f"/checkout/order-received/123/?key={ORDER_KEY}", "/checkout/order-received/123/"),
        (f"/checkout/order-pay/123/?pay_for_order=true&key={ORDER_KEY}", "/checkout/order-pay/123/"),
        (f"/?page_id=8&order-received=123&key={ORDER_KEY}", "/"),
        (f"/kasse/bestellung-erhalten/123/?key={ORDER_KEY}", "/kasse/bestellung-erhalten/123/"),
        (f"/thank-you/{ORDER_KEY}/", "/thank-you/"),
        ("/my-account/lost-password/?key=aBc&login=ada", "/my-account/lost-password/"),
        ("/my-account/view-order/123/?_wpnonce=12ab", "/my-account/view-order/123/"),
        # Tokens in other places of a path.
        ("/a/0b8f6c1e-0000-4000-8000-000000000001/b", "/a/"),
        ("/a/c1-7a8b9c0d1e2f3a4b/b", "/a/"),
        ("/a;jsessionid=1A530637289A03B07199A44E8D531427", "/"),
        ("/a/ada@example.com", "/a/"),
        ("/a/%61da%40example.com", "/a/"),
        ("/a/eyJhbGciOiJIUzI1NiJ9.e30.abc", "/a/"),
        ("/a%2Forders%2Fx", "/"),
        ("/a/../b", "/a/"),
        # The rest of an address.
        ("/p?email=ada%40example.com&token=x&auth=x&sig=x&hmac=x&password=x", "/p"),
        ("/p?foo=bar&gclid=abc&fbclid=abc", "/p"),
        ("/p#key=3b1a", "/p"),
        (f"/p?utm_source={ORDER_KEY}", "/p"),
        ("/p?utm_content=ada%40example.com", "/p"),
        (f"/p?utm_term={'x' * 101}", "/p"),
        ("/p?aleid=a%20b", "/p"),
        ("/p?aleid=&utm_source=", "/p"),
        (f"/p?{HEX}", "/p"),
        ("/p?&&", "/p"),
    ],
)
def test_what_may_open_a_door_stays_here(path: str, sent: str) -> None:
    """Keys, tokens and personal values go, wherever they stand in the address; a warning says that they did."""
    address = without_keys(SHOP + path)
    assert SHOP + sent == address.text
    assert address.taken_out


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example",
        "https://shop.example/",
        "http://shop.example:8080/products/fern-pot-3",
        "https://shop.example/collections/sale/products/Fern_Pot.html",
        "https://shop.example/de-de/pages/gr%C3%B6%C3%9Fen",
        "https://shop.example/products/iphone15-pro-256gb",
        "https://shop.example/checkout/order-received/5839102749001/",
        "https://shop.example/?utm_source=axon&utm_campaign=spring+26",
        "https://shop.example/p?aleid=0b8f6c1e-0000-4000-8000-000000000001&alart=x%2Fy",
        "https://bücher.example/lesen",
        "https://[2001:db8::1]:8443/p",
        "/products/mug",
        "",
    ],
)
def test_harmless_addresses_stay_as_they_are(address: str) -> None:
    """Pages, products, campaigns and AppLovin's click identifiers pass, and nothing is said to be missing."""
    assert (address, ()) == (without_keys(address).text, without_keys(address).taken_out)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://ada:secret@shop.example/", ("user name and password",)),
        (
            f"{SHOP}/orders/{HEX}?key=1&a=2&key=3#x",
            ("the end of the path", "the query parameters key, a", "the fragment"),
        ),
        (f"{SHOP}/?page_id=8", ("the query parameter page_id",)),
        (f"{SHOP}/?{HEX}", ("what else stood in the query",)),
        (f"{SHOP}/?Token=1&key=2", ("the query parameter key", "what else stood in the query")),
    ],
)
def test_the_words_name_no_value(address: str, words: tuple[str, ...]) -> None:
    """It is said what was taken out; values, and names that may be values, are not repeated."""
    assert words == without_keys(address).taken_out


@pytest.mark.parametrize(
    "address", ["https://[", "https://shop.example:port/", "https://shop example/", "https://a\\b/"]
)
def test_what_is_no_address(address: str) -> None:
    """An address that can't be taken apart can't be cleaned, so it is refused, without being repeated."""
    with pytest.raises(ValueError, match="a web address is wanted") as caught:
        without_keys(address)
    assert address not in str(caught.value)


def test_reading_the_query_again() -> None:
    """The parameters that stayed can be read from the address, and be taken out of it."""
    address = "https://shop.example/?aleid=a%2Fb&utm_source=x+y&aleid=c"
    assert (["a/b", "c"], ["x y"], []) == tuple(values_of(address, name) for name in ("aleid", "utm_source", "alart"))
    assert "https://shop.example/?utm_source=x+y" == without_parameter(address, "aleid")
    assert "https://shop.example/" == without_parameter("https://shop.example/?aleid=a", "aleid")
    assert [] == values_of("https://shop.example/", "aleid")


@pytest.mark.parametrize(
    ("length", "front", "is_cut"),
    [
        (255, "/p?utm_source=", True),
        (254, "/p?utm_source=", False),
        (255, "https://shop.example/p?utm_source=", True),
        (256, "https://shop.example/p?utm_source=", False),
        (20 + 255, "https://shop.example/p?utm_source=", True),
        (20 + 254, "https://shop.example/p?utm_source=", False),
    ],
)
def test_an_address_that_may_be_cut(length: int, front: str, is_cut: bool) -> None:
    """Of a landing page that Shopify may have cut, alone or behind the shop's address, the end isn't sent."""
    end = "&utm_term=copper"
    padding = "utm_medium=" + "m" * 90 + "&utm_campaign="
    address = front + "axon&" + padding + "c" * (length - len(front) - 5 - len(padding) - len(end)) + end
    found = without_keys(address)
    words = ("the query parameter at its end, which may be cut off",) if is_cut else ()
    assert (length, words) == (len(address), tuple(word for word in found.taken_out if "cut" in word))
    assert is_cut != ("utm_term=copper" in found.text)


SECRETS = st.one_of(
    st.text("0123456789abcdef", min_size=16, max_size=40).filter(
        lambda text: not text.isdecimal() and not text.isalpha()
    ),
    st.text(string.ascii_letters, min_size=8, max_size=12).map(lambda text: f"wc_order_{text}"),
    st.uuids().map(str),
)
NAMES = st.sampled_from(["key", "token", "auth", "utm_source", "aleid_", "x", "order_key", "sig", "KEY"])


@given(
    st.lists(st.tuples(NAMES, SECRETS), min_size=1, max_size=4), SECRETS, st.sampled_from(["orders", "checkouts", "a"])
)
def test_no_secret_survives(query: list[tuple[str, str]], token: str, place: str) -> None:
    """Wherever a random key stands, in the path, under any name, in the fragment, it isn't in what is sent."""
    kept_on_purpose = {value for name, value in query if name == "utm_source" and "wc_order_" not in value}
    sent = without_keys(f"{SHOP}/5/{place}/{token}/authenticate?{urlencode(query)}#{quote(token)}").text
    for secret in {token, *(value for _, value in query)} - kept_on_purpose:
        assert secret not in sent


@given(st.text(max_size=80), st.text(max_size=80))
def test_anything_is_cleaned(path: str, query: str) -> None:
    """Whatever a platform or a browser wrote: what comes out needs no more cleaning, and is of the same host."""
    sent = without_keys(f"{SHOP}/{path}?{query}").text
    assert sent == without_keys(sent).text
    assert "shop.example" == urlsplit(sent).hostname
