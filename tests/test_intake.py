"""A verified webhook becomes one row: what intake decides itself, with a ledger that remembers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from adapter.errors import SignatureRefused, StorageUnavailable
from adapter.intake import Intake, Result, Taken
from adapter.platforms.webhook import WebhookRequest
from adapter.shops.shop import Shop
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.tables import State
from adapter.wiring import load_configuration

ROOT = Path(__file__).parents[1]
SECRET = "shpss_4f8a1c0e9b7d2a63"
DAY = timedelta(days=1)


class Ledger:
    """Remembers every receipt, and answers as it was told to."""

    def __init__(self) -> None:
        self.receipts: list[tuple[Receipt, datetime]] = []
        self.answer: Received | StorageUnavailable = Received.STORED
        self.refused: list[tuple[str, str, datetime]] = []

    def receive(self, receipts: Sequence[Receipt], now: datetime) -> list[Received]:
        """Take receipts in."""
        if isinstance(self.answer, StorageUnavailable):
            raise self.answer
        self.receipts += [(receipt, now) for receipt in receipts]
        return [self.answer for _ in receipts]

    def refuse(self, shop: str, order_id: str, now: datetime) -> None:
        """Hear of a refusal."""
        self.refused.append((shop, order_id, now))


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger."""
    return Ledger()


@pytest.fixture
def take(ledger: Ledger, clock: Any, shop: Shop) -> Any:
    """Return what takes a document, or bytes, signed by the shop."""
    intake = Intake(ledger, clock)

    def taken(document: object, secret: str = SECRET) -> Taken:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return intake.take(shop, WebhookRequest({"x-shopify-hmac-sha256": signature}, body))

    return taken


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> str:
    """Return when the shop counts an order: once paid, unless the test says otherwise."""
    return getattr(request, "param", "paid")


@pytest.fixture
def shop(counted: str, tmp_path: Path) -> Shop:
    """Return a Shopify shop."""
    (tmp_path / "acme.toml").write_text(
        f'extends = "shopify"\nwebhook_secret = "{SECRET}"\nsite_url = "https://shop.example"\n'
        f'[orders]\ncount = "{counted}"\n[storefront]\norigins = []\n'
    )
    found = load_configuration({"MAPPINGS_DIR": str(tmp_path)}).shops.get("acme")
    assert found is not None
    return found


def order(**changes: Any) -> dict[str, Any]:
    """Return an order that was paid at ten, two hours before the clock."""
    return {
        "id": 5001,
        "token": "cafe5001",
        "financial_status": "paid",
        "created_at": "2026-05-01T10:00:00Z",
        "updated_at": "2026-05-01T11:00:00Z",
        "line_items": [],
    } | changes


def test_what_is_noted_of_an_order(take: Any, ledger: Ledger, clock: Any) -> None:
    """The row gets the order's id, token, stamp, whether it is a sale, and how old it is now."""
    assert Taken(Result.ACCEPTED, "5001", Received.STORED) == take(order())
    expected = Receipt(
        shop="acme",
        order_id="5001",
        body=json.dumps(order()).encode(),
        token="cafe5001",
        body_at=datetime.fromisoformat("2026-05-01T11:00:00Z"),
        counts=True,
        age=timedelta(hours=2),
    )
    assert [(expected, clock())] == ledger.receipts


@pytest.mark.parametrize(
    ("changes", "counts", "age"),
    [
        ({"financial_status": "pending"}, False, None),
        ({"created_at": "2026-05-01T13:00:00Z"}, True, timedelta(0)),
        ({"created_at": "2026-04-30T12:00:00Z"}, True, DAY),
        ({"created_at": "2026-04-30T12:00:00Z", "processed_at": "2026-05-01T12:00:00Z"}, True, timedelta(0)),
        ({"created_at": None}, True, None),
        ({"created_at": "0001-01-01T00:00:00Z"}, True, datetime(2026, 5, 1, 12) - datetime(1, 1, 1)),  # noqa: DTZ001  # Only their difference counts.
    ],
)
def test_age(take: Any, ledger: Ledger, changes: dict[str, Any], counts: bool, age: timedelta | None) -> None:
    """A sale's age is counted from when it became one, is never negative, and is unknown without a time."""
    take(order(**changes))
    ((receipt, _),) = ledger.receipts
    assert (counts, age) == (receipt.counts, receipt.age)


@pytest.mark.parametrize(
    ("counted", "status", "counts"),
    [
        ("paid", "authorized", False),
        ("authorized", "authorized", True),
        ("authorized", "pending", False),
        ("placed", "pending", True),
    ],
    indirect=["counted"],
)
def test_the_shop_says_what_counts(take: Any, ledger: Ledger, status: str, counts: bool) -> None:
    """Whether a body is a sale follows `[orders] count` of the shop."""
    take(order(financial_status=status))
    assert counts is ledger.receipts[0][0].counts


@pytest.mark.parametrize("change", [Received.STORED, Received.REFRESHED, Received.UNCHANGED])
def test_the_answer_says_what_changed(take: Any, ledger: Ledger, change: Received) -> None:
    """Whatever the ledger did with an order, it is accepted, and the answer names it."""
    ledger.answer = change
    assert Taken(Result.ACCEPTED, "5001", change) == take(order())


def test_a_conflict(take: Any, ledger: Ledger) -> None:
    """Another order with this id is kept aside, and the answer says so."""
    ledger.answer = Received.CONFLICT
    reason = "another order with this id is stored already; this one is quarantined: conflicting order"
    assert Taken(Result.CONFLICT, "5001", Received.CONFLICT, reason) == take(order())


def test_the_test_notification(take: Any, ledger: Ledger) -> None:
    """The canned test is a repeatable, skipped row; a paid order of that id that says it is no test is an order."""
    taken = take(order(id=820982911946154508, test=True))
    receipt = ledger.receipts[0][0]
    assert (Result.TEST, "820982911946154508") == (taken.result, taken.order_id)
    assert (True, State.SKIPPED, False) == (receipt.repeatable, receipt.state, receipt.counts)
    assert Result.ACCEPTED is take(order(id=820982911946154508, test=False)).result
    assert Result.ACCEPTED is take(order(test=True)).result


def test_an_unreadable_body(take: Any, ledger: Ledger) -> None:
    """It is kept under its SHA-256, quarantined, with the reason."""
    # echo -n '<order/>' | openssl dgst -sha256
    name = "9326fef1a0a45c3f7ad8ee2c3579c143887e292e8d9140fd2e154cb4faf39929"
    taken = take(b"<order/>")
    receipt = ledger.receipts[0][0]
    assert (Result.UNREADABLE, name, Received.STORED) == (taken.result, taken.order_id, taken.change)
    assert (name, b"<order/>", State.QUARANTINED) == (receipt.order_id, receipt.body, receipt.state)
    assert f"quarantined: {receipt.reason}" == taken.reason
    assert str(receipt.reason).startswith("unreadable: the body isn't a JSON object that can be read: ")


def test_no_order(take: Any, ledger: Ledger) -> None:
    """What is no order is ignored with the reason, and no row is made."""
    taken = take({"id": 5001})
    assert (Result.IGNORED, None, None) == (taken.result, taken.order_id, taken.change)
    assert str(taken.reason).startswith("this is an id alone")
    assert [] == ledger.receipts


def test_a_forged_body(take: Any, ledger: Ledger) -> None:
    """Nothing of a body is looked at or stored before its signature fits."""
    with pytest.raises(SignatureRefused):
        take(order(), "another secret of 32 letters")
    assert [] == ledger.receipts


@pytest.mark.parametrize("body", [b"<order/>", b"[" * 500_000])
def test_a_forged_body_is_not_even_read(take: Any, body: bytes) -> None:
    """What nobody signed reaches no line of the code that reads orders, so nothing in it can do any harm there."""
    read: set[str] = set()

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        file = Path(frame.f_code.co_filename)
        if file.stem in {"document", "notice", "body", "fields"} and file.is_relative_to(ROOT / "adapter/platforms"):
            read.add(f"{file.name}: {frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with pytest.raises(SignatureRefused):
            take(body, "another secret of 32 letters")
        assert set() == read, "read before it was verified"
        take(body)  # So it would have been seen.
    finally:
        sys.setprofile(before)
    assert read


@pytest.mark.parametrize("document", [order(), order(id=820982911946154508, test=True), b"<order/>"])
def test_storage_is_away(take: Any, ledger: Ledger, document: object) -> None:
    """Whatever is to be kept and can't be is the caller's to know."""
    ledger.answer = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        take(document)


def test_a_ping(ledger: Ledger, clock: Any) -> None:
    """WooCommerce's ping is taken unsigned, and stores nothing."""
    environment = {
        "MAPPINGS_DIR": str(ROOT / "mappings"),
        "WOOCOMMERCE_WEBHOOK_SECRET": SECRET,
        "WOOCOMMERCE_SITE_URL": "https://woo.example",
    }
    shop = load_configuration(environment).shops.get("woocommerce")
    assert shop is not None
    intake = Intake(ledger, clock)
    request = WebhookRequest({"content-type": "application/x-www-form-urlencoded"}, b"webhook_id=7")
    assert Taken(Result.PING) == intake.take(shop, request)
    assert [] == ledger.receipts


@pytest.mark.parametrize(
    ("attributes", "change", "is_heard"),
    [
        ([{"name": "ad_consent", "value": "denied"}], Received.UNCHANGED, True),
        ([{"name": "_ad_consent", "value": "denied"}], Received.UNCHANGED, True),
        ([{"name": "ad_consent", "value": "granted"}], Received.UNCHANGED, False),
        ([{"name": "note", "value": "ad_consent denied"}], Received.UNCHANGED, False),
        ([], Received.UNCHANGED, False),
        # The worker finds it in the body, or it is another order's.
        ([{"name": "ad_consent", "value": "denied"}], Received.STORED, False),
        ([{"name": "ad_consent", "value": "denied"}], Received.REFRESHED, False),
        ([{"name": "ad_consent", "value": "denied"}], Received.CONFLICT, False),
    ],
)
def test_a_refusal_that_comes_too_late(
    take: Any, ledger: Ledger, clock: Any, attributes: list[dict[str, str]], change: Received, *, is_heard: bool
) -> None:
    """A body that changes nothing any more, because the order was sent, still says whether the buyer refused."""
    ledger.answer = change
    take(order(note_attributes=attributes))
    assert ([("acme", "5001", clock())] if is_heard else []) == ledger.refused
