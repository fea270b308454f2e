"""Trying mapping files on the sample orders: what never finds anything is said, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.operations.trial import fruitless_lines
from adapter.platforms.registry import PLATFORMS
from adapter.shops.load import load_shops

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "SHOPIFY_WEBHOOK_SECRET": "a shopify secret of 32 letters..",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "a woocommerce secret, with commas",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
}


def fruitless(folder: Path) -> list[str]:
    """Return what is said about the mapping files of a folder."""
    shops = load_shops(folder, ENVIRONMENT, PLATFORMS, "https://api.example/v1/event")
    return [str(problem).removeprefix(f"{folder.name}/") for problem in fruitless_lines(shops)]


def of(folder: Path, base: str, text: str) -> list[str]:
    """Return what is said about a file acme.toml that extends a shipped one."""
    (folder / "acme.toml").write_text(f'extends = "{base}"\n{text}\n', "utf-8")
    return fruitless(folder)


def test_the_shipped_files() -> None:
    """Nothing is said about the files that come with the project: identifiers, tables and attributes aren't judged."""
    assert [] == fruitless(ROOT / "mappings")


NOTHING = "finds nothing in any of the 13 sample orders"
UNFIT = "gives nothing for Axon in any of the 13 sample orders"


@pytest.mark.parametrize(
    ("base", "text", "said"),
    [
        ("woocommerce", 'zip = "order.billing.zipcode"', f'{NOTHING} (did you mean "postcode"?)'),
        ("shopify", 'zip = "order.billing_adress.zip"', NOTHING),
        ("shopify", 'os = "order.\\"x y\\""', NOTHING),
        (
            "shopify",
            'zip = "order.billing_address.zipp || order.shipping_address.zipp"',
            f'{NOTHING} (nothing stands at order.billing_address.zipp; did you mean "zip"?)',
        ),
        (
            "shopify",
            "ifa = \"query(order.landing_sit, 'ifa')\"",
            f'{NOTHING} (nothing stands at order.landing_sit; did you mean "landing_site"?)',
        ),
        ("shopify", "esi = \"'site'\"", f"{UNFIT}: must be one of web, app"),
        ("woocommerce", 'ifa = "order.needs_payment"', f"{UNFIT}: text is wanted, this is true or false"),
        (
            "woocommerce",
            "ifa = \"join('-', [order.nummer, 'x'])\"",
            f"{UNFIT}: join() wants array-string, and found nothing",
        ),
    ],
)
def test_what_is_said(tmp_path: Path, base: str, text: str, said: str) -> None:
    """A line that gives nothing in any order is named with its file, path and line, and with what may be meant."""
    name = text.partition(" ")[0]
    assert [f"acme.toml: event.user_data.{name}: {said} (line 3)"] == of(tmp_path, base, f"[event.user_data]\n{text}")


@pytest.mark.parametrize(
    ("base", "table", "text"),
    [
        ("shopify", "event.user_data", 'zip = "order.billing_adress.zip || order.billing_address.zip"'),
        ("shopify", "event.user_data", "ifa = \"attribute(order, '_ifa')\""),
        ("shopify", "event.user_data", "ifa = \"query(order.landing_site, 'ifa')\""),
        ("shopify", "event.user_data", "ifa = \"order.note_attributes[?name == '_ifa'].value | [0]\""),
        ("woocommerce", "event.user_data", "ifa = \"order.meta_data[?key == '_ifa'] | [0].value\""),
        ("woocommerce", "event.user_data", 'sid = "stored.sid"'),
        ("woocommerce", "event.user_data", 'client_id = "clicks.client_id"'),
        ("woocommerce", "event.data.items", 'item_category_id = "item.category_id"'),
        ("shopify", "event.data.items", "item_category_id = \"lookup('t', line.vendor)\"\n[tables.t]\nAcme = 1"),
        ("shopify", "event.data.items", "affiliation = \"line.properties[?name == 'Size'].value | [0]\""),
        ("shopify", "event.data.items", "affiliation = \"line.properties[?name == 'Engraving'].value | [0]\""),
        ("shopify", "event.user_data", 'ifa = "order.po_number"'),
        ("shopify", "event.user_data", 'ifa = "order.company.location_id"'),
        ("woocommerce", "event.user_data", 'ifa = "order.coupon_lines[0].code"'),
        ("woocommerce", "event.data.items", 'image_url = "line.image.src"'),
        ("woocommerce", "event.data.items", 'item_variant_id = "line.variation_id"'),
        ("shopify", "orders", 'skip_if = "order.wholesale"'),
        ("shopify", "clicks", 'sid = ["attribute(order, \'sid\')", "stored.sid"]'),
    ],
)
def test_what_is_not_said(tmp_path: Path, base: str, table: str, text: str) -> None:
    """What finds something once, and what only this shop's orders can have, is no reason for a word."""
    assert [] == of(tmp_path, base, f"[{table}]\n{text}")


def test_chains_of_clicks(tmp_path: Path) -> None:
    """Each link of a chain is tried for itself: another one that finds something doesn't excuse it."""
    text = '[clicks]\naleid = [\n  "query(order.landing_page, \'aleid\')",\n  "stored.aleid",\n]'
    hint = '(nothing stands at order.landing_page; did you mean "landing_site"?)'
    expected = f"acme.toml: clicks.aleid: {NOTHING} {hint} (line 3)"
    assert [expected] == of(tmp_path, "shopify", text)


def test_lines_of_a_base(tmp_path: Path) -> None:
    """What many shops inherit is said once, with the file and line of the base."""
    (tmp_path / "common.toml").write_text('extends = "shopify"\n\n[event.user_data]\nzip = "order.zip"\n', "utf-8")
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.toml").write_text('extends = "common"\n', "utf-8")
    assert [f"common.toml: event.user_data.zip: {NOTHING} (line 4)"] == fruitless(tmp_path)


def test_the_side_of_the_amounts(tmp_path: Path) -> None:
    """Orders are read as the shop reads them; both sides have sample orders."""
    assert [] == of(tmp_path, "shopify", '[orders]\ncurrency = "shop"')
