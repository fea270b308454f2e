"""What buyers type, on its way to Axon: cleaned or left out, never nonsense, and never a purchase lost for it."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapter.purchase.decision import Decision, ShopRules, decide
from adapter.purchase.identity import clean_email, clean_phone, clean_zip
from adapter.purchase.order import Buyer, Order, PhoneNumber

HASH = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
ZERO_WIDTH, SOFT_HYPHEN, BYTE_ORDER_MARK, RIGHT_TO_LEFT = "\u200b", "\u00ad", "\ufeff", "\u202e"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Ada.Lovelace+shop@Example.CO.UK", "ada.lovelace+shop@example.co.uk"),
        ("\u00a0ada@example.com\u3000", "ada@example.com"),
        (f"{BYTE_ORDER_MARK}ada@example.com{ZERO_WIDTH}", "ada@example.com"),
        (f"a{ZERO_WIDTH}da@exam{SOFT_HYPHEN}ple.com{RIGHT_TO_LEFT}", "ada@example.com"),
        ("o'neill@example.com", "o'neill@example.com"),
        ("tom&jerry@example.com", "tom&jerry@example.com"),
        ("first..last.@docomo.example", "first..last.@docomo.example"),
        ("post@bücher.example", "post@bücher.example"),
        ("post@bu\u0308cher.example", "post@bücher.example"),
        ("post@xn--bcher-kva.example", "post@xn--bcher-kva.example"),
        ("почта@пример.рф", "почта@пример.рф"),
        ("用户@例子.中国", "用户@例子.中国"),
        ("a@b.xn--p1ai", "a@b.xn--p1ai"),
        ("a@sub.sub.example.museum", "a@sub.sub.example.museum"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        (HASH.upper(), HASH),
    ],
)
def test_addresses_that_can_be_one(typed: str, expected: str) -> None:
    """Trimmed, in lower case, of any script, without the marks that nobody sees; no dot or tag is taken out."""
    assert expected == clean_email([typed])


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Max Mustermann",
            "n/a",
            "-",
            "none",
            "@ada",
            "ada@",
            "ada@localhost",
            "ada@example",
            "ada@.com",
            "ada@example.",
        ),
        *(
            "ada@example..com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@example.c",
            "ada@example.123",
            "ada@1.2.3.4",
        ),
        *("ada lovelace@example.com", "ada@exam ple.com", "ada@ex@mple.com", "ada@example.com, bo@example.com"),
        *("ada@example.com;bo@example.com", "<ada@example.com>", "Ada <ada@example.com>", "mailto:ada@example.com"),
        *('"ada"@example.com', "(ada)@example.com", "ada@example.com>", "ada@example.com,", "ada@example.com/x"),
        *("ada&amp;bo@example.com", "ada@example.com\x00", "ada\x07@example.com", "ada\n@example.com"),
        *("\uff41da\uff20example.com", "ada@example\u3002com", "😀@", "ada@😀.com", f"{'a' * 65}@example.com"),
        *(f"a@{'b' * 64}.com", f"a@{'b.' * 130}com", "a" * 100_000, "@" * 10_000, "a@" + "b." * 50_000, HASH[1:]),
    ],
)
def test_what_can_be_no_address(typed: str) -> None:
    """Names, lists, decorations, other signs and the endless are dropped: a hash of nonsense is somebody else's."""
    assert clean_email([typed]) is None


@pytest.mark.parametrize(
    ("typed", "country", "expected"),
    [
        ("\u200e+49 341 5550142\u200f", "DE", "493415550142"),
        ("+49\u00a0341\u20115550142", None, "493415550142"),
        ("tel: 0341/5550142", "DE", "493415550142"),
        ("٠٣٤١ ٥٥٥٠١٤٢", "DE", "493415550142"),
        ("+1 (503) 555-0142 (Bob)", None, "15035550142"),
        ("0341 5550142 (abends)", "DE", "493415550142"),
        ("503 555 0142 x12", "US", "15035550142"),
        ("+383 44 123 456", "XK", "38344123456"),
        ("044 123 456", "XK", "38344123456"),
        (HASH, "XX", HASH),
    ],
)
def test_numbers_that_can_be_one(typed: str, country: str | None, expected: str) -> None:
    """Whatever stands between and around the digits: they come out with their country's code."""
    assert expected == clean_phone([PhoneNumber(text=typed, country_code=country)])


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        *(("ask my wife", "DE"), ("n/a", "US"), ("0", "US"), ("0000000000", "US"), ("+0 000", None), ("++49", "DE")),
        *(
            ("0341 5550142 / 0170 1234567", "DE"),
            ("5550142", "US"),
            ("112", "DE"),
            ("+800", None),
            ("123", "GB"),
            ("1111111111", "US"),
        ),
        *(("555-0142 Bob", "US"), ("1-800-FLOWERS", "US"), ("2 numbers: 0341 5550142", "DE")),
        *(("ada@example.com", "US"), ("😀", "US"), ("\x00" * 9, "US"), ("1" * 100_000, "US"), ("0341 5550142", "ZZ")),
        *(("0341 5550142", ""), ("0341 5550142", "Deutschland"), (HASH[:-1], "US"), (f"{HASH}0", "US")),
    ],
)
def test_what_can_be_no_number(typed: str, country: str) -> None:
    """Words, short and double numbers, and those without a known country are dropped."""
    assert clean_phone([PhoneNumber(text=typed, country_code=country)]) is None


ANYTHING = st.one_of(st.text(max_size=80), st.text(string.printable, max_size=80), st.from_regex(r".*@.*\..*"))
REGIONS = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))


@given(st.lists(ANYTHING, max_size=3), REGIONS)
def test_anything_typed_is_clean_or_nothing(typed: list[str], country: str | None) -> None:
    """Whatever was typed: no error, and what comes out is an address, a number of digits, a short zip, or nothing."""
    email = clean_email(typed)
    assert email is None or (
        re.fullmatch(r"[^@\s<>()\",;:]+@[^@\s]+\.\w[\w-]+|[0-9a-f]{64}", email) and email == email.lower()
    )
    phone = clean_phone([PhoneNumber(text=text, country_code=country) for text in typed])
    assert phone is None or re.fullmatch(r"[1-9][0-9]{2,16}|[0-9a-f]{64}", phone)
    for text in typed:
        zip_code = clean_zip(text, country)
        assert zip_code is None or (len(zip_code) <= 16 and zip_code == zip_code.strip())
        assert country != "US" or zip_code is None or re.fullmatch("[0-9]{5}", zip_code)


def decided(
    make_order: Callable[..., Order], rules: ShopRules, order: dict[str, Any] | None = None, **buyer: Any
) -> Decision:
    """Decide on an order of a buyer with these changes."""
    made = make_order(**(order or {}))
    return decide(replace(made, buyer=replace(made.buyer, **buyer)), {}, rules, timedelta(0))


def sent(decision: Decision) -> dict[str, Any]:
    """Return the user data of the event that is sent."""
    assert decision.to_send is not None
    found: dict[str, Any] = decision.to_send.fields["user_data"]
    return found


def test_nothing_usable_but_a_click(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """Without a usable address or number the order is sent by its other identifiers, with a warning for each."""
    order = {"source": {"id": 1, "note_attributes": []}}
    buyer = Buyer(
        emails=("Max Mustermann",),
        phones=(PhoneNumber(text="ask", country_code="DE"),),
        country_code="ZZ",
        ip="10.0.0.7",
        user_agent="x",
    )
    decision = decide(replace(make_order(**order), buyer=buyer), {"axwrt": "w-1"}, make_rules(), timedelta(0))
    assert {"esi": "web", "client_ip_address": "10.0.0.7", "client_user_agent": "x", "axwrt": "w-1"} == sent(decision)
    assert [
        "the e-mail address was dropped: it can't be one",
        "the phone number was dropped: it can't be one in the country of its address",
        "the buyer's IP address is a private one: the shop's proxy set-up hides its buyers",
    ] == list(decision.warnings)


@pytest.mark.parametrize(
    ("name", "expression", "reason"),
    [
        ("user_id", "order.customer.id", "must have at least 6 characters"),
        ("country_code", "order.country", "must be an ISO 3166 code of two capital letters"),
        ("os", "order.os", "must be one of ios, android, desktop_os"),
    ],
)
def test_a_value_that_the_page_rules_out_costs_no_purchase(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    name: str,
    expression: str,
    reason: str,
) -> None:
    """The field is left out with a warning, and the order is sent."""
    mapping_document["event"]["user_data"][name] = expression
    source = {"id": 1, "customer": {"id": 42}, "country": "Germany", "os": "macos"}
    decision = decided(make_order, make_rules(mapping_document), {"source": source})
    assert name not in sent(decision)
    assert f"event.user_data.{name} was left out: {expression}: {reason}" in decision.warnings


@pytest.mark.parametrize(("customer", "user_id"), [("42", "customer_42"), ("123456", "customer_123456"), (None, None)])
def test_a_prefix_before_the_customer_id(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    customer: str | None,
    user_id: str | None,
) -> None:
    """A shop with short ids writes a prefix before them; guests, who have none, don't all become one customer."""
    expression = "purchase.customer_id && join('_', ['customer', purchase.customer_id])"
    mapping_document["event"]["user_data"]["user_id"] = expression
    decision = decided(make_order, make_rules(mapping_document), user_id=customer)
    assert user_id == sent(decision).get("user_id")


def test_an_address_mapped_as_it_is(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """An IP address from any expression is unwrapped; what is none counts as missing."""
    mapping_document["event"]["user_data"]["client_ip_address"] = "order.browser_ip"
    rules = make_rules(mapping_document)
    assert (
        "203.0.113.7"
        == sent(decided(make_order, rules, {"source": {"id": 1, "browser_ip": "::ffff:203.0.113.7"}}))[
            "client_ip_address"
        ]
    )
    decision = decided(make_order, rules, {"source": {"id": 1, "browser_ip": "unknown"}})
    assert "no_browser: the order carries no IP address of the buyer's browser" == str(decision.skip)


KEY = "3b1a0c9f7d2e4a68"
STATUS_PAGE = f"https://shop.example/591/orders/c9c6f0d4a1b2c3d4e5f60718293a4b5c/authenticate?key={KEY}"


@pytest.mark.parametrize(
    ("page", "url", "words"),
    [
        (STATUS_PAGE, "https://shop.example/591/orders/", "the end of the path, the query parameter key"),
        (
            "https://shop.example/checkout/order-received/7/?key=wc_order_Kq7&utm_source=axon",
            "https://shop.example/checkout/order-received/7/?utm_source=axon",
            "the query parameter key",
        ),
        ("https://shop.example/products/mug", "https://shop.example/products/mug", None),
    ],
)
def test_a_page_with_a_key(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    page: str,
    url: str,
    words: str | None,
) -> None:
    """Whatever expression finds the page, its key isn't sent, and a warning says what was taken out."""
    mapping_document["event"]["event_source_url"] = "order.page"
    decision = decided(make_order, make_rules(mapping_document), {"source": {"id": 1, "page": page}})
    assert decision.to_send is not None
    assert url == decision.to_send.fields["event_source_url"]
    expected = [f"event.event_source_url is sent without {words}: an address may carry keys"] if words else []
    assert expected == [warning for warning in decision.warnings if "event_source_url" in warning]
    assert KEY not in decision.to_send.encode().decode()


@pytest.mark.parametrize(
    "page", ["https://[591/orders?key=k3y", "https://shop example/?key=k3y", "/orders/1?key=k3y", "k3y"]
)
def test_a_page_that_is_no_address(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any], page: str
) -> None:
    """What can't be cleaned, or isn't complete, isn't sent; the problem doesn't repeat it."""
    mapping_document["event"]["event_source_url"] = "order.page"
    decision = decided(make_order, make_rules(mapping_document), {"source": {"id": 1, "page": page}})
    assert decision.to_send is None
    (problem,) = decision.problems
    assert problem.startswith("event.event_source_url")
    assert "k3y" not in problem


CUT = "/p?utm_campaign=" + "c" * 70 + "&utm_source=" + "s" * 80 + "&utm_term=" + "t" * 44 + "&aleid=0123456789abcdef"
GAPS = "Zm9vYmFyIGJhciBmb28"  # Base64 that has lost its "=".


@pytest.mark.parametrize(
    ("page", "in_order", "expected", "stays"),
    [
        ("/?aleid=c-1&alart=a-1", None, {"aleid": "c-1", "alart": "a-1"}, True),
        ("/?aleid=c-1", "c-1", {"aleid": "c-1"}, True),
        ("/?aleid=c-1", "c-2", {"aleid": "c-2"}, False),
        ("/?aleid=c-1&aleid=c-2", "c-1", {"aleid": "c-1"}, False),
        ("/?aleid=c-1&aleid=c-2", None, {"aleid": "c-1"}, False),
        (f"/?aleid={GAPS}", None, {}, False),
        (f"/?aleid={GAPS}", "c-2", {"aleid": "c-2"}, False),
        (f"/?aleid={GAPS}", GAPS, {"aleid": GAPS}, True),
        (CUT, None, {}, False),
        (CUT, "0123456789abcdef0123456789abcdef", {"aleid": "0123456789abcdef0123456789abcdef"}, False),
        (f"/de{CUT}", None, {}, False),
        (f"{CUT}#top", None, {"aleid": "0123456789abcdef"}, True),
        (CUT.replace("s" * 80, "s" * 79), None, {"aleid": "0123456789abcdef"}, True),
        ("/", None, {}, False),
    ],
)
def test_a_click_in_the_address(
    make_order: Callable[..., Order],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
    page: str,
    in_order: str | None,
    expected: dict[str, str],
    *,
    stays: bool,
) -> None:
    """An aleid in the address is the one that is sent as a field: taken from there, or else taken out of there."""
    assert 255 == len(CUT)
    mapping_document["event"]["event_source_url"] = "order.page"
    attributes = [{"name": "_axon_event_id", "value": in_order}]
    source = {"id": 1, "page": f"https://shop.example{page}", "note_attributes": attributes}
    decision = decided(make_order, make_rules(mapping_document), {"source": source})
    assert expected == {name: sent(decision)[name] for name in ("aleid", "alart") if name in sent(decision)}
    assert decision.to_send is not None
    assert stays == ("aleid=" in decision.to_send.fields["event_source_url"])
    said = [warning.partition(" was taken from ")[0] for warning in decision.warnings if "taken from" in warning]
    assert [f"event.user_data.{name}" for name in expected if not in_order] == said
    told = [text for text in decision.warnings if "aleid: it isn't the one" in text or "may be cut off" in text]
    assert (0 if stays or "aleid" not in page else 1) == len(told)


def test_hashes_are_the_ones_of_the_clean_values(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """The fact sheet's vectors, through a mapping: SHA-256 of the clean value, once, in lower case."""
    mapping_document["event"]["user_data"]["phone"] = "purchase.phone"
    phones = (PhoneNumber(text="(123) 456-7890", country_code="US"),)
    user = sent(decided(make_order, make_rules(mapping_document), emails=(" User@Example.com ",), phones=phones))
    assert HASH == user["email"]
    assert "cf14fe3c9d73fcb3574d2643988efb2db605b1c224725bd322d7d2350467b4dc" == user["phone"]
    hashed_before = sent(decided(make_order, make_rules(mapping_document), emails=(HASH,)))
    assert HASH == hashed_before["email"]
    assert hashlib.sha256(HASH.encode()).hexdigest() != hashed_before["email"]
