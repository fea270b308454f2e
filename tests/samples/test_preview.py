"""`adapter preview` of every sample gives what was worked out for it: items, sums, and the reason if it isn't sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oracle.samples import Sample, orders, samples

from adapter.operations.preview import Preview, preview
from adapter.purchase.decision import decide
from adapter.purchase.rules import SKIP_RULES
from adapter.shops.shop import Shop
from adapter.wiring import load_configuration

MAPPINGS = Path(__file__).parents[2] / "mappings"
ENVIRONMENT = {
    "MAPPINGS_DIR": str(MAPPINGS),
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
}
# An order's age is that of the moment when it comes in, which a preview doesn't know.
RULES = [rule for rule in SKIP_RULES if rule != "too_old"]


def named(found: list[Sample] | tuple[Sample, ...]) -> pytest.MarkDecorator:
    """Let a test run once for each sample, under its name."""
    return pytest.mark.parametrize("sample", found, ids=lambda sample: sample.name)


@pytest.fixture(scope="module")
def shops() -> dict[str, Shop]:
    """Return the two shops that ship with the project."""
    return dict(load_configuration(ENVIRONMENT).shops.by_name)


def with_policy(shop: Shop, **changes: Any) -> Shop:
    """Return the shop with another `[orders]` table."""
    return replace(shop, rules=replace(shop.rules, policy=replace(shop.rules.policy, **changes)))


def without_rules(shop: Shop, **changes: Any) -> Shop:
    """Return the shop that sends every order that was placed."""
    return with_policy(shop, skip=frozenset(), count="placed", **changes)


def figures(found: Preview) -> dict[str, Any]:
    """Return what a preview says in the shape of a row: the event's figures, and what only the order knows."""
    document, order = found.to_json(), found.order
    assert order is not None
    data, money = (document["event"] or document["would_be"])["data"], document["money"]
    items = [
        [item["item_id"], item.get("item_variant_id", ""), item["quantity"], item["price"], line.total, line.tax]
        for item, line in zip(data["items"], order.lines, strict=True)
    ]
    of_event = {name: data[name] for name in ("currency", "value", "tax", "shipping")}
    return {"items": items, **of_event, **{name: money[name] for name in ("rest", "total", "remainder")}}


def row(sample: Sample) -> dict[str, Any]:
    """Return the figures of a sample's row."""
    return {
        key: value for key, value in sample.expected.items() if key not in ("outcome", "placed", "reasons", "shop")
    }


@named(orders())
def test_the_figures_of_an_order(sample: Sample, shops: dict[str, Shop]) -> None:
    """Items and sums are those of the table, whether the order is sent or not."""
    assert row(sample) == figures(preview(sample.body, shops[sample.platform]))


@named([sample for sample in orders() if "shop" in sample.expected])
def test_the_figures_in_the_currency_of_the_shop(sample: Sample, shops: dict[str, Shop]) -> None:
    """orders.currency = "shop" changes every amount, and the code with them."""
    assert sample.expected["shop"] == figures(preview(sample.body, with_policy(shops[sample.platform], side="shop")))


@named(orders())
def test_what_becomes_of_an_order(sample: Sample, shops: dict[str, Shop]) -> None:
    """With the rules that ship, it is sent, or the first reason of its row stands in front of its words."""
    found = preview(sample.body, shops[sample.platform])
    assert sample.expected["reasons"][:1] == ([found.skipped.partition(":")[0]] if found.skipped else [])
    assert found.problems == ()


@named([sample for sample in orders() if sample.expected.get("placed", True)])
def test_each_reason_alone(sample: Sample, shops: dict[str, Shop]) -> None:
    """Every rule by itself skips exactly the orders whose rows name it; so does counting paid orders alone."""
    free = without_rules(shops[sample.platform])
    shop_by_reason = {rule: with_policy(free, skip=frozenset({rule})) for rule in RULES}
    shop_by_reason["unpaid"] = with_policy(free, count="paid")
    order = preview(sample.body, free).order
    assert order is not None
    skipping = {reason for reason, shop in shop_by_reason.items() if decide(order, {}, shop.rules, None).skip}
    assert set(sample.expected["reasons"]) == skipping


@named([sample for sample in orders() if not sample.expected.get("placed", True)])
def test_what_was_never_placed(sample: Sample, shops: dict[str, Shop]) -> None:
    """A checkout in progress and a failed payment are no orders, however a shop counts."""
    assert preview(sample.body, without_rules(shops[sample.platform])).skipped


@named([sample for sample in samples() if not sample.is_order and sample.expected["outcome"] != "ping"])
def test_a_body_without_amounts(sample: Sample, shops: dict[str, Shop]) -> None:
    """The kind and the words of the row stand in what is shown, and there is no event."""
    found = preview(sample.body, shops[sample.platform])
    shown = found.skipped or "; ".join(found.problems)
    assert shown.startswith(f"{sample.expected['outcome']}: ")
    assert sample.expected["because"] in shown
    assert found.order is None
