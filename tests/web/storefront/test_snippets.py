"""What is pasted where: complete, ready for the shop, and with a note on what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.web.storefront.snippets import PARTS, PLACEHOLDER, lines, notes, snippets

ADDRESS = "https://adapter.shop.example"


@pytest.mark.parametrize(
    ("platform", "parts"),
    [
        ("shopify", ["script", "pixel", "dedupe", "consent"]),
        ("woocommerce", ["plugin", "script", "dedupe", "consent"]),
    ],
)
def test_the_parts(make_shop: Any, platform: str, parts: list[str]) -> None:
    """Each platform has its parts, and each of them says where it belongs."""
    found = snippets(make_shop(platform), ADDRESS)
    assert parts == list(found)
    assert set(parts) <= set(PARTS)
    assert all(snippet.where and snippet.text.endswith("\n") for snippet in found.values())


def test_the_tag(make_shop: Any) -> None:
    """The script's tag has the shop's address, escaped."""
    text = snippets(make_shop(), 'https://a"b.example')["script"].text
    assert '<script defer src="https://a&quot;b.example/storefront/acme.js"></script>\n' == text


@pytest.mark.parametrize(
    ("platform", "dedupe_id", "expected"),
    [
        ("shopify", "order.id", "dedupe_id: orderId }"),
        ("woocommerce", "order.id", "dedupe_id: orderId }"),
        ("woocommerce", "join('', ['a-', purchase.id, '-z'])", 'dedupe_id: "a-" + orderId + "-z" }'),
        ("shopify", "order.name", "see the note"),
    ],
)
def test_the_pixels_dedupe_id(make_shop: Any, platform: str, dedupe_id: str, expected: str) -> None:
    """The pixel's fourth argument makes the dedupe_id of the mapping file."""
    shop = make_shop(platform, f'[event]\ndedupe_id = "{dedupe_id}"\n')
    assert expected in snippets(shop, ADDRESS)["dedupe"].text


def test_everything(make_shop: Any) -> None:
    """All parts stand below their names; the plugin is a command that writes the file."""
    shown = list(lines(make_shop("woocommerce"), ADDRESS))
    assert ["plugin", "script", "dedupe", "consent"] == [line.split()[1] for line in shown if line.startswith("── ")]
    assert f"adapter snippets --shop acme --url {ADDRESS} --part plugin > order-adapter.php" == shown[1]
    assert "adapter snippets --shop acme --part plugin > order-adapter.php" in lines(
        make_shop("woocommerce"), PLACEHOLDER
    )


UNTOLD = f"{PLACEHOLDER} stands for the adapter's public address: say it with --url https://…"
ADVICE = 'write cookie_domain = "shop.example" into [storefront]: the adapter then keeps the cookies for a year'
FOREIGN = "adapter.other.example isn't under shop.example ([storefront] cookie_domain): the adapter can set no cookies"
DOMAIN = '[storefront]\ncookie_domain = "shop.example"\n'
TAKEN = "clicks are taken from https://www.shop.example ([storefront] origins)"


@pytest.mark.parametrize(
    ("tables", "address", "expected"),
    [
        ("", "https://adapter.other.example", [TAKEN]),
        ("", PLACEHOLDER, [UNTOLD, TAKEN]),
        ("", ADDRESS, [TAKEN, ADVICE]),
        (DOMAIN, ADDRESS, [TAKEN]),
        (DOMAIN, "https://adapter.other.example", [TAKEN, f"{FOREIGN} of the shop"]),
    ],
)
def test_the_notes(make_shop: Any, tables: str, address: str, expected: list[str]) -> None:
    """What is missing, or could be better, is said."""
    assert expected == list(notes(make_shop("shopify", tables), address))


def test_a_shop_that_is_off(make_shop: Any) -> None:
    """As long as the shop's secret is missing, its script isn't served, and that is said."""
    found = list(notes(make_shop("shopify", 'webhook_secret = "$UNSET"\n'), ADDRESS))
    off = "the shop is off (it has no webhook secret: the variable UNSET is not set)"
    assert f"{off}: until that is set, there is no script and no click is taken" in found


def test_a_dedupe_id_that_no_browser_can_make(make_shop: Any) -> None:
    """A dedupe_id of something else than the order's id is noted, with the way out."""
    *_, note = notes(make_shop("shopify", '[event]\ndedupe_id = "order.name"\n'), ADDRESS)
    assert note.startswith("the mapping's dedupe_id (order.name) isn't the order's id with a fixed text around it")
    assert 'write dedupe_id = "order.id"' in note


OTHERS = """
[event.data]
value = "purchase.total"
transaction_id = "purchase.id"
[event.data.items]
item_id = "line.sku"
item_variant_id = ""
"""


def test_what_the_plugin_tells_otherwise(make_shop: Any) -> None:
    """Where the mapping sends something else than the plugin tells the pixel, it is noted with the way out."""
    (*_, note) = notes(make_shop("woocommerce", OTHERS), ADDRESS)
    told = "the plugin tells the pixel what the shipped mapping file sends, and yours sends"
    assert note.startswith(f"{told} value = purchase.total, item_id = line.sku: let the filter order_adapter_purchase")
    for platform, tables in (("woocommerce", ""), ("shopify", OTHERS)):
        assert not any("the plugin" in note for note in notes(make_shop(platform, tables, "other"), ADDRESS))


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_the_pixels_figures(make_shop: Any, platform: str) -> None:
    """What is pasted into the pixel says which values and ids the adapter sends."""
    text = snippets(make_shop(platform, OTHERS), ADDRESS)["dedupe"].text
    assert "so it has to say the same: value = purchase.total, item_id = line.sku.\n" in text
    shipped = "value = purchase.items_value, item_id = item.id, item_variant_id = item.variant_id.\n"
    assert shipped in snippets(make_shop(platform, name="other"), ADDRESS)["dedupe"].text
