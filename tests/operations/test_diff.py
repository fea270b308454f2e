"""`adapter diff`: what another mapping file would change."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update

from adapter.errors import ConfigurationRefused
from adapter.operations.diff import Change, NothingToCompare, compare, report
from adapter.operations.diff.orders import Orders, _in_file, of_folder, of_ledger
from adapter.operations.diff.pair import load_pair
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.event import encode
from adapter.shops.shop import Shop
from adapter.storage.arrivals import Receipt
from adapter.storage.bodies import Bodies
from adapter.storage.clicks import Clicks
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer
from adapter.storage.tables import clicks as clicks_table
from adapter.storage.tables import metadata

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

OLD = """\
platform       = "woocommerce"
webhook_secret = "$ACME_SECRET"
site_url       = "$ACME_SITE"
[orders]
skip = ["pos", "too_old"]
[clicks]
axwrt = "stored.axwrt"
[event]
dedupe_id        = "order.id"
event_time       = "purchase.placed_at"
event_source_url = "purchase.source_url"
[event.user_data]
esi               = "'web'"
client_ip_address = "order.ip"
client_user_agent = "'Invented/1.0'"
user_id           = "'customer_1'"
axwrt             = "clicks.axwrt"
[event.data]
transaction_id = "order.id"
currency       = "purchase.currency"
value          = "purchase.items_value"
tax            = "purchase.tax"
shipping       = "purchase.shipping"
[event.data.items]
item_id  = "item.id"
price    = "item.price"
quantity = "item.quantity"
"""
NEW = (
    OLD.replace('"purchase.items_value"', '"purchase.items_value_with_tax"')
    .replace(
        'skip = ["pos", "too_old"]', "skip = [\"too_old\"]\nskip_if = \"attribute(order, 'kind') == 'wholesale'\""
    )
    .replace('dedupe_id        = "order.id"', "dedupe_id        = \"join('', [order.number])\"")
    .replace('"order.ip"', "\"order.ip || '198.51.100.1'\"")
    .replace('item_id  = "item.id"', 'item_id  = "item.id"\nitem_name = "item.title"')
)


def an_order(order_id: int, net: str, tax: str, currency: str, **changes: Any) -> dict[str, Any]:
    """Return an order over one vase."""
    return {
        "id": order_id,
        "number": str(order_id),
        "status": "processing",
        "currency": currency,
        "date_created_gmt": "2026-11-20T09:00:00",
        "date_paid_gmt": "2026-11-20T09:00:04",
        "shipping_total": "0",
        "total": str(Decimal(net) + Decimal(tax)),
        "total_tax": tax,
        "order_key": f"wc_order_Invented{order_id}",
        "ip": "203.0.113.7",
        "line_items": [
            {"name": "Vase", "product_id": 41, "quantity": 1, "subtotal": net, "total": net, "total_tax": tax}
        ],
    } | changes


ORDERS = {
    "1-changed": an_order(1001, "40.00", "7.60", "EUR"),
    "2-sent": an_order(1002, "10.00", "0.00", "USD", created_via="pos-rest-api"),
    "3-skipped": an_order(1003, "5.00", "0.00", "USD", meta_data=[{"key": "kind", "value": "wholesale"}]),
    "4-changed-name": an_order(1004, "800", "0", "JPY"),
    "5-idle": an_order(1005, "1.00", "0.00", "USD", status="pending", date_paid_gmt=None),
    "6-fails": an_order(1006, "3.00", "0.00", "USD", number=1006),
    "7-failed": an_order(1007, "7.00", "0.00", "USD", ip=""),
    "8-both": an_order(1008, "9.00", "0.00", ""),
}

# EUR: 40.00 without its tax before, 47.60 with it after. USD before: 5.00 (1003) + 3.00 (1006); after: 10.00 (1002)
# + 7.00 (1007). The vase's name is new in every event.
REPORT = """\
old    old/acme.toml
new    new/acme.toml
orders 8 of orders
note   site_url of old/acme.toml isn't set here:
       https://site-url-not-set.example stands for it
note   site_url of new/acme.toml isn't set here:
       https://site-url-not-set.example stands for it

  the same                                                   0
  skipped by both                                            1
  changed                                                    2
  newly skipped                                              1
  newly sent                                                 1
  fails with the new file only                               1
  fails with the old file only                               1
  fails with both                                            1
  (not looked at: no orders)                                 2

  total value sent                 before              after         difference
  EUR                               40.00              47.60               7.60
    orders                              1                  1                  0
  JPY                                 800                800                  0
    orders                              1                  1                  0
  USD                                8.00              17.00               9.00
    orders                              2                  2                  0

the first 5 of 6 orders that differ (old → new)

1-changed.json: changed
  data.value                     40.00 → 47.60
  data.items[0].item_name        – → Vase

2-sent.json: newly sent
  skipped (pos: sold in the store, not on the web) → sent with 10.00 USD

3-skipped.json: newly skipped
  sent with 5.00 USD → skipped (skip_if: the mapping says so: attribute(order,
    'kind') == 'wholesale')

4-changed-name.json: changed
  data.items[0].item_name        – → Vase

6-fails.json: fails with the new file only
  sent with 3.00 USD → fails (event.dedupe_id = join('', [order.number]): join()
    wants array-string, and found a number; order.number is a number)

9-deleted.json: no order: the order was moved to the trash or deleted: only its
  id is sent. The adapter needs the topics "Order created" and "Order updated";
  the webhook for "Order deleted" can be removed

note.txt: no order: the body isn't JSON that can be read: JSON is malformed:
  invalid character (byte 0)

Nothing was sent, and nothing was stored.
"""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Shop, Shop]:
    """Return the two shops, of whose variables none is set."""
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "acme.toml").write_text(text)
    return load_pair(tmp_path / "old" / "acme.toml", tmp_path / "new" / "acme.toml", {})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder with the orders, from where it is called `orders`."""
    monkeypatch.chdir(tmp_path)
    found = Path("orders")
    found.mkdir()
    for name, order in ORDERS.items():
        (found / f"{name}.json").write_text(json.dumps(order))
    (found / "9-deleted.json").write_text('{"id": 5}')
    (found / "note.txt").write_text("hello")
    (found / ".hidden.json").write_text("{}")
    return found


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every connection over the network fail loudly."""

    def refuse(*_arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_the_whole_report(pair: tuple[Shop, Shop], folder: Path, no_network: None) -> None:
    """Every kind of change is counted, the values are summed by currency, the first examples stand field by field."""
    found = compare(*pair, of_folder(folder, "woocommerce"), 5)
    lines = list(report.lines(*pair, found, "of orders"))
    assert REPORT.splitlines() == lines
    assert 80 >= max(map(len, lines))


def test_the_whole_document(pair: tuple[Shop, Shop], folder: Path) -> None:
    """Programs get the same in one JSON object whose amounts are exact."""
    found = report.document(*pair, compare(*pair, of_folder(folder, "woocommerce"), 1))
    (example,) = found.pop("examples")
    assert {
        "old": "old/acme.toml",
        "new": "new/acme.toml",
        "orders": 8,
        "different": 6,
        "counts": {
            "same": 0,
            "idle": 1,
            "changed": 2,
            "skipped": 1,
            "sent": 1,
            "fails": 1,
            "failed": 1,
            "both": 1,
        },
        "no_orders": 2,
        "value": {
            "EUR": {
                "before": {"orders": 1, "value": Decimal("40.00")},
                "after": {"orders": 1, "value": Decimal("47.60")},
            },
            "JPY": {"before": {"orders": 1, "value": Decimal(800)}, "after": {"orders": 1, "value": Decimal(800)}},
            "USD": {
                "before": {"orders": 2, "value": Decimal("8.00")},
                "after": {"orders": 2, "value": Decimal("17.00")},
            },
        },
    } == found
    assert ("1-changed.json", "changed") == (example["order"], example["change"])
    assert [
        {"path": "event.data.value", "before": Decimal("40.00"), "after": Decimal("47.60")},
        {"path": "event.data.items[0].item_name", "before": None, "after": "Vase"},
    ] == example["fields"]
    assert b'"after":47.60' in encode(example)


def test_the_same_file_twice(pair: tuple[Shop, Shop], folder: Path) -> None:
    """A file compared with itself differs nowhere."""
    old, _ = pair
    found = compare(old, old, of_folder(folder, "woocommerce"), 5)
    assert (0, []) == (found.different, found.examples)
    assert {Change.SAME: 4, Change.IDLE: 2, Change.BOTH: 2} == found.counts
    assert not [line for line in report.lines(old, old, found, "of orders") if "differ (" in line]


def test_no_example_is_wanted(pair: tuple[Shop, Shop], folder: Path) -> None:
    """Without examples the figures are the same."""
    found = compare(*pair, of_folder(folder, "woocommerce"), 0)
    assert (6, [], [], 2) == (found.different, found.examples, found.no_orders, found.others)


def test_many_fields(pair: tuple[Shop, Shop], folder: Path) -> None:
    """Of an order with many lines only the first twenty fields are shown, and how many more there are."""
    line = ORDERS["1-changed"]["line_items"][0]
    (folder / "1-changed.json").write_text(
        json.dumps(ORDERS["1-changed"] | {"line_items": [line] * 30, "total": "1428"})
    )
    lines = list(report.lines(*pair, compare(*pair, of_folder(folder, "woocommerce"), 1), "of orders"))
    assert "  … and 11 more fields" in lines  # A value and thirty names.


def test_neither_sends_anything(pair: tuple[Shop, Shop], tmp_path: Path) -> None:
    """Without any event there is no sum."""
    (tmp_path / "idle.json").write_text(json.dumps(ORDERS["5-idle"]))
    found = compare(*pair, of_folder(tmp_path, "woocommerce"), 5)
    assert "  none: neither file sends any of these orders" in report.lines(*pair, found, "here")


def test_no_orders_at_all(pair: tuple[Shop, Shop], tmp_path: Path) -> None:
    """A folder without an order says what stands in it."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToCompare, match=r"^there is no order of .*/empty$"):
        compare(*pair, of_folder(tmp_path / "empty", "woocommerce"), 5)
    (tmp_path / "empty" / "x.json").write_text("[]")
    with pytest.raises(NothingToCompare, match=r"there is no order of .*/empty \(x\.json: this is a list of 0 orders"):
        compare(*pair, of_folder(tmp_path / "empty", "woocommerce"), 5)


def test_links_and_folders(tmp_path: Path) -> None:
    """A link that leads nowhere and a folder are no files; files in folders are taken, with their path as name."""
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "order.json").write_text("{}")
    found = [(candidate.name, candidate.problem) for candidate in of_folder(tmp_path, "woocommerce").candidates]
    assert [("sub/order.json", "")] == found


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    """A file that vanishes between the look and the reading is named with the reason. This looks at a private seam."""
    found = _in_file(tmp_path / "gone.json", "gone.json", PLATFORMS["woocommerce"])
    assert "it can't be read: No such file or directory" == found.problem


def test_bad_files(tmp_path: Path) -> None:
    """Every problem of both files comes at once; files of two platforms can't be compared."""
    good, bad, worse = (tmp_path / f"{name}.toml" for name in ("good", "bad", "worse"))
    good.write_text('extends = "shopify"')
    bad.write_text('extends = "woocommerce"\n[event.data]\nvaleu = "order.id"')
    worse.write_text("not toml")
    with pytest.raises(ConfigurationRefused) as refused:
        load_pair(bad, worse, {})
    assert [f"{tmp_path.name}/bad.toml", f"{tmp_path.name}/worse.toml"] == [
        problem.where for problem in refused.value.problems
    ]
    bad.write_text('extends = "woocommerce"')
    with pytest.raises(ConfigurationRefused, match=r"bad\.toml: platform: reads orders of woocommerce, and "):
        load_pair(good, bad, {})


@pytest.fixture
def stored(engine: Engine, sealer: Sealer) -> Callable[[int], Orders]:
    """Store orders of two shops over some days, one with a click; return what gives those of so many days."""
    purchases, clicks = Purchases(engine, sealer), Clicks(engine, sealer)

    def receive(order: dict[str, Any], days: int, shop: str = "acme", **changes: Any) -> None:
        body = json.dumps(order).encode()
        receipt = Receipt(shop=shop, order_id=str(order["id"]), body=body, counts=True, **changes)
        purchases.receive([receipt], NOON - timedelta(days=days))

    receive(ORDERS["1-changed"], 2)
    receive(ORDERS["2-sent"], 1)
    receive(ORDERS["4-changed-name"], 0, age=timedelta(days=8))
    receive(ORDERS["3-skipped"], 1, shop="other")
    receive(an_order(1010, "2.00", "0.00", "EUR"), 9)
    clicks.remember("acme", [("order_key", "wc_order_Invented1001")], {"axwrt": "browser-1"}, NOON)
    return lambda days: of_ledger(Bodies(engine, sealer), clicks, "acme", days, NOON)


@pytest.fixture
def untouched(engine: Engine, stored: object) -> Iterator[list[str]]:
    """Yield the list of statements that run from here on; afterwards every row is as it was."""
    statements: list[str] = []

    def rows() -> list[Any]:
        with engine.connect() as connection:
            return [connection.execute(select(table)).all() for table in metadata.sorted_tables]

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    before = rows()
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)
    assert before == rows()


def test_stored_orders(
    pair: tuple[Shop, Shop], stored: Callable[[int], Orders], untouched: list[str], sealer: Sealer
) -> None:
    """The orders of those days are compared with their clicks and their age at intake; nothing is written."""
    found = compare(*pair, stored(3), 5)
    assert {Change.CHANGED: 1, Change.SENT: 1, Change.IDLE: 1} == found.counts  # 1004 was eight days old.
    assert ["order 1001", "order 1002"] == [example.order for example in found.examples]
    assert found.examples[0].before.event is not None
    assert "browser-1" == found.examples[0].before.event["user_data"]["axwrt"]
    assert untouched
    assert {"SELECT"} == {statement.split()[0].upper() for statement in untouched}


def test_more_days_and_other_shops(pair: tuple[Shop, Shop], stored: Callable[[int], Orders]) -> None:
    """More days find more; the words say whose orders they are, and since when."""
    orders = stored(10)
    assert "of acme, stored within 10 days" == orders.words
    assert 4 == compare(*pair, orders, 5).orders
    with pytest.raises(NothingToCompare, match=r"^there is no order of acme, stored within 1 day$"):
        compare(*pair, Orders((), stored(1).words, dict), 5)


def test_clicks_that_do_not_open(pair: tuple[Shop, Shop], stored: Callable[[int], Orders], engine: Engine) -> None:
    """An order whose clicks can't be opened fails with both, and stops no other."""
    with engine.begin() as connection:
        connection.execute(update(clicks_table).values(identifiers=b"not what was sealed"))
    found = compare(*pair, stored(3), 5)
    assert {Change.BOTH: 1, Change.SENT: 1, Change.IDLE: 1} == found.counts


def test_the_sample_order_of_shopify(tmp_path: Path) -> None:
    """Shopify's test notification is no order to compare by: it is never sent."""
    (tmp_path / "acme.toml").write_text('extends = "shopify"')
    shop, _ = load_pair(tmp_path / "acme.toml", tmp_path / "acme.toml", {})
    (tmp_path / "orders").mkdir()
    sample = Path(__file__).parents[1] / "samples" / "shopify" / "test_notification.json"
    (tmp_path / "orders" / "test.json").write_bytes(sample.read_bytes())
    with pytest.raises(NothingToCompare, match=r"\(test\.json: the platform's sample order, which is never sent\)$"):
        compare(shop, shop, of_folder(tmp_path / "orders", "shopify"), 5)
