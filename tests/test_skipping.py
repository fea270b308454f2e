"""Which orders count: every rule, on both platforms, by the shipped mapping files, and taken out by one of a shop."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.decision import Decision, decide
from adapter.purchase.rules import SKIP_RULES
from adapter.shops.load import load_shops

SHOPIFY: dict[str, Any] = {
    "id": 5839102749001,
    "financial_status": "paid",
    "created_at": "2026-05-01T11:59:00Z",
    "processed_at": "2026-05-01T11:59:00Z",
    "currency": "EUR",
    "subtotal_price": "10.00",
    "total_price": "10.00",
    "source_name": "web",
    "browser_ip": "203.0.113.9",
    "client_details": {"browser_ip": "203.0.113.9", "user_agent": "Invented/1.0"},
    "email": "ada@example.com",
    "line_items": [{"id": 1, "product_id": 7, "title": "Mug", "quantity": 1, "price": "10.00"}],
}
WOOCOMMERCE: dict[str, Any] = {
    "id": 1001,
    "status": "processing",
    "created_via": "checkout",
    "currency": "EUR",
    "date_created_gmt": "2026-05-01T11:59:00",
    "total": "10.00",
    "billing": {"email": "ada@example.com", "country": "DE"},
    "customer_ip_address": "203.0.113.9",
    "customer_user_agent": "Invented/1.0",
    "line_items": [{"id": 1, "product_id": 7, "name": "Mug", "quantity": 1, "total": "10.00"}],
}
ORDERS = {"shopify": SHOPIFY, "woocommerce": WOOCOMMERCE}

Decide = Callable[..., Decision]


@pytest.fixture
def decided(tmp_path: Path) -> Decide:
    """Return what decides on an order with these changes, by a file with these lines under [orders] and beyond."""

    def by_file(
        platform: str, changes: dict[str, Any], orders: str = "", age: timedelta | None = timedelta(0), rest: str = ""
    ) -> Decision:
        (tmp_path / "acme.toml").write_text(
            f'extends = "{platform}"\nwebhook_secret = "s3cretOf24LettersOrMore0"\nsite_url = "https://shop.example"\n'
            f'[axon]\npixel_id = "p"\napi_key = "k"\n[orders]\n{orders}\n{rest}\n'
        )
        shop = load_shops(tmp_path, {}, tuple(PLATFORMS), "https://api.example/v1/event").by_name["acme"]
        body = json.dumps(ORDERS[platform] | changes).encode()
        order = PLATFORMS[platform].read_order(parse_document(body), shop.rules.policy.side)
        return decide(order, {}, shop.rules, age)

    return by_file


def without(rule: str) -> str:
    """Return the line of a mapping file that takes one rule out of the list."""
    return f"skip = {json.dumps([other for other in SKIP_RULES if other != rule])}"


@pytest.mark.parametrize("platform", ORDERS)
def test_a_plain_order_is_sent(decided: Decide, platform: str) -> None:
    """Against the order that all others here are made of nothing speaks."""
    assert decided(platform, {}).to_send is not None


FREE = {"line_items": [{"id": 1, "product_id": 7, "title": "Mug", "quantity": 1, "price": "0.00"}]}
FREE_TOO = {"line_items": [{"id": 1, "product_id": 7, "name": "Mug", "quantity": 1, "total": "0.00"}], "total": "5.00"}
IMPORT = "imported: imported or created by a program, not bought in the shop"
RENEWAL = "renewal: an automatic renewal of a subscription"
SUB_ORDER = "sub_order: a part of another order, which is counted already"
POS = "pos: sold in the store, not on the web"
TEST = "test: paid with a test payment"
DRAFT = "draft: a draft, made by the staff or not placed yet"
B2B = "b2b: bought by a business customer"
SKIPPED = [
    ("shopify", {"test": True}, TEST),
    ("shopify", {"source_name": "pos"}, POS),
    ("shopify", {"source_name": "subscription_contract_checkout_one"}, RENEWAL),
    ("shopify", {"source_name": "subscription_contract"}, RENEWAL),
    ("shopify", {"processed_at": "2026-04-29T11:59:00Z"}, IMPORT),
    ("shopify", {"company": {"id": 5}}, B2B),
    ("shopify", FREE, "zero_value: the value to be sent is 0"),
    ("shopify", {"cancelled_at": "2026-05-01T12:00:00Z"}, "cancelled: the order is cancelled"),
    ("shopify", {"financial_status": "refunded"}, "cancelled: the order is refunded"),
    ("woocommerce", {"payment_method": "dummy"}, TEST),
    ("woocommerce", {"meta_data": [{"key": "_wcpay_mode", "value": "test"}]}, TEST),
    ("woocommerce", {"created_via": "pos-rest-api"}, POS),
    ("woocommerce", {"created_via": "subscription"}, RENEWAL),
    ("woocommerce", {"created_via": "wc-csv-import-suite"}, IMPORT),
    ("woocommerce", {"meta_data": [{"key": "b2bking_is_b2b_order", "value": "yes"}]}, B2B),
    ("woocommerce", {"parent_id": 900}, SUB_ORDER),
    ("woocommerce", {"created_via": "dokan"}, SUB_ORDER),
    ("woocommerce", FREE_TOO, "zero_value: the value to be sent is 0"),
    ("woocommerce", {"refunds": [{"id": 1, "total": "-10.00"}]}, "cancelled: the order is refunded"),
]


@pytest.mark.parametrize(("platform", "changes", "reason"), SKIPPED)
def test_each_rule_and_its_removal(decided: Decide, platform: str, changes: dict[str, Any], reason: str) -> None:
    """The order is skipped for its reason in words, and sent when the shop's file takes the rule out of the list."""
    assert reason == str(decided(platform, changes).skip)
    assert decided(platform, changes, without(reason.partition(":")[0])).to_send is not None


@pytest.mark.parametrize("platform", ORDERS)
def test_an_old_order_and_the_rules_removal(decided: Decide, platform: str) -> None:
    """How old an order may be is the file's to say; of an unknown age nothing is said."""
    old = timedelta(days=7, seconds=1)
    reason = "too_old: it was more than 7 days old when it came in"
    assert reason == str(decided(platform, {}, age=old).skip)
    assert decided(platform, {}, "max_age_days = 8", old).to_send is not None
    assert decided(platform, {}, without("too_old"), old).to_send is not None
    assert decided(platform, {}, age=None).to_send is not None


NO_BROWSER = [
    ("shopify", {"browser_ip": None, "client_details": None}, "no IP address and no user agent"),
    ("shopify", {"client_details": {"browser_ip": "203.0.113.9"}}, "no user agent"),
    ("shopify", {"browser_ip": "unknown", "client_details": {"user_agent": "x"}}, "no IP address"),
    ("woocommerce", {"customer_ip_address": ""}, "no IP address"),
    ("woocommerce", {"customer_user_agent": " "}, "no user agent"),
    (
        "woocommerce",
        {"created_via": "admin", "customer_ip_address": "", "customer_user_agent": ""},
        "no IP address and",
    ),
]


@pytest.mark.parametrize(("platform", "changes", "words"), NO_BROWSER)
def test_a_missing_browser_and_the_rules_removal(
    decided: Decide, platform: str, changes: dict[str, Any], words: str
) -> None:
    """Without the rule it is no purchase either: Axon requires both, so the order is shown with what is missing."""
    reason = str(decided(platform, changes).skip)
    assert reason.startswith(f"no_browser: the order carries {words}")
    decision = decided(platform, changes, without("no_browser"))
    assert (None, None) == (decision.skip, decision.to_send)
    assert all(": is required and missing (= purchase." in problem for problem in decision.problems)


RAW_BROWSER = """
[event.user_data]
client_ip_address = "order.client_details.browser_ip || order.browser_ip"
client_user_agent = "order.client_details.user_agent"
"""


def test_a_draft_and_its_staffs_browser(decided: Decide) -> None:
    """A draft is skipped; without that rule its browser, which is the staff's, is none, however it is mapped."""
    draft = {"source_name": "shopify_draft_order"}
    reason = "no_browser: the order carries no IP address and no user agent of the buyer's browser"
    assert DRAFT == str(decided("shopify", draft).skip)
    assert reason == str(decided("shopify", draft, without("draft")).skip)
    assert reason == str(decided("shopify", draft, without("draft"), rest=RAW_BROWSER).skip)
    assert decided("shopify", {}, rest=RAW_BROWSER).to_send is not None


@pytest.mark.parametrize(
    ("platform", "changes", "counts_as"),
    [
        ("shopify", {"financial_status": "paid"}, "paid authorized placed"),
        ("shopify", {"financial_status": "partially_refunded"}, "paid authorized placed"),
        ("shopify", {"financial_status": "authorized"}, "authorized placed"),
        ("shopify", {"financial_status": "pending"}, "placed"),
        ("shopify", {"financial_status": "partially_paid"}, "placed"),
        ("shopify", {"financial_status": None}, "placed"),
        ("shopify", {"financial_status": "voided"}, ""),
        ("woocommerce", {"status": "processing"}, "paid authorized placed"),
        ("woocommerce", {"status": "completed"}, "paid authorized placed"),
        ("woocommerce", {"status": "shipped", "date_paid_gmt": "2026-05-01T11:59:00"}, "paid authorized placed"),
        ("woocommerce", {"status": "shipped"}, "placed"),
        ("woocommerce", {"status": "on-hold", "transaction_id": "ch_1"}, "authorized placed"),
        ("woocommerce", {"status": "on-hold"}, "placed"),
        ("woocommerce", {"status": "pending"}, "placed"),
        ("woocommerce", {"status": "failed"}, ""),
        ("woocommerce", {"status": "checkout-draft"}, ""),
        ("woocommerce", {"status": "cancelled"}, ""),
        ("woocommerce", {"status": "trash"}, ""),
    ],
)
def test_when_an_order_counts(decided: Decide, platform: str, changes: dict[str, Any], counts_as: str) -> None:
    """How far the money must be is the file's to say; a failed, unfinished or closed order is no sale by any."""
    sent = [
        count for count in ("paid", "authorized", "placed") if decided(platform, changes, f'count = "{count}"').to_send
    ]
    assert counts_as.split() == sent


@pytest.mark.parametrize("count", ["paid", "authorized", "placed"])
def test_an_unfinished_checkout_is_no_order_though_drafts_are_sent(decided: Decide, count: str) -> None:
    """A shop that sends its staff's drafts doesn't send the checkouts that buyers left."""
    decision = decided("woocommerce", {"status": "checkout-draft"}, f'{without("draft")}\ncount = "{count}"')
    assert f"unpaid: the order is not placed yet; it is sent when it is {count}" == str(decision.skip)


@pytest.mark.parametrize("platform", ORDERS)
def test_a_condition_of_the_shops_own(decided: Decide, platform: str) -> None:
    """`skip_if` sees the order, the exact amounts and the clicks; its words are the expression."""
    line = "skip_if = \"purchase.total < `20` && order.currency == 'EUR' && !(clicks.aleid)\""
    expected = "skip_if: the mapping says so: purchase.total < `20` && order.currency == 'EUR' && !(clicks.aleid)"
    assert expected == str(decided(platform, {}, line).skip)
    assert decided(platform, {}, line.replace("20", "10")).to_send is not None


ANSWERS = [
    ("shopify", lambda value: {"note_attributes": [{"name": "ad_consent", "value": value}]}),
    ("woocommerce", lambda value: {"meta_data": [{"key": "_ad_consent", "value": value}]}),
]


@pytest.mark.parametrize(("platform", "saying"), ANSWERS)
def test_consent(decided: Decide, platform: str, saying: Callable[[str], dict[str, Any]]) -> None:
    """A refusal always wins; where consent is required, silence is none, and `granted_if` may find it elsewhere."""
    required, elsewhere = "[consent]\nrequired = true", "[consent]\nrequired = true\ngranted_if = 'order.currency'"
    denied = "consent denied: the buyer refused"
    for rest in ("", required, elsewhere):
        assert denied == str(decided(platform, saying(" Denied"), rest=rest).skip)
    missing = "no consent: the mapping requires consent, and none is recorded for this order"
    assert missing == str(decided(platform, {}, rest=required).skip)
    assert missing == str(decided(platform, saying("maybe"), rest=required).skip)
    assert decided(platform, saying("granted"), rest=required).to_send is not None
    assert decided(platform, {}, rest=elsewhere).to_send is not None


@pytest.mark.parametrize(
    "name",
    [
        *("test", "cancelled_at", "company", "source_identifier", "cart_token", "landing_site", "note_attributes"),
        *("parent_id", "meta_data", "payment_method", "refunds", "date_paid_gmt", "transaction_id"),
    ],
)
@pytest.mark.parametrize("value", [None, "", [], {}, 0, False])
def test_missing_evidence_is_none(decided: Decide, name: str, value: object) -> None:
    """Where nothing stands, nothing is concluded: the order is sent."""
    platform = "woocommerce" if name in ("parent_id", "meta_data", "payment_method", "refunds") else "shopify"
    assert decided(platform, {name: value}).to_send is not None
