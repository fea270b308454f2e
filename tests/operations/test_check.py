"""`adapter check`: what would run, in words."""

from __future__ import annotations

from pathlib import Path

from adapter.operations.check import describe
from adapter.wiring import load_configuration

SHOP = """
extends        = "shopify"
webhook_secret = "shpss_4f8a1c0e9b7d2a63"
site_url       = "https://shop.example"
[axon]
pixel_id = "pixel-1"
api_key  = "the-api-key-1"
[storefront]
origins = []
"""


def described(folder: Path, files: dict[str, str], **environment: str) -> list[str]:
    """Return the lines for these mapping files."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    found = load_configuration({"MAPPINGS_DIR": str(folder), **environment})
    return [line.replace(f"{folder}/", "") for line in describe(found.settings, found.shops)]


def test_a_shop_that_is_on(tmp_path: Path) -> None:
    """A shop is shown with its URL, what it counts and its consent; no secret and no key is."""
    lines = described(tmp_path, {"acme": SHOP})
    expected = [
        "database: SQLite, adapter.db",
        "Conversion API: https://b.applovin.com/v1/event",
        f"{tmp_path.name}/acme.toml: on: shopify, webhook URL /webhooks/acme",
        "  counts orders once paid, amounts in presentment money",
        "  consent: not required: every order is sent unless the buyer refused",
    ]
    assert expected == lines
    assert not [line for line in lines if "shpss" in line or "the-api-key" in line]


def test_a_shop_without_pixel(tmp_path: Path) -> None:
    """What keeps a shop from sending is a note."""
    lines = described(tmp_path, {"acme": SHOP.replace('"pixel-1"', '"$AXON_PIXEL_ID"')})
    expected = "  note: no event is sent yet: the variable AXON_PIXEL_ID is not set; orders are taken and wait"
    assert expected == lines[-1]


def test_no_shop_is_on(tmp_path: Path) -> None:
    """A shop that is off says why, and that nothing would start with none on."""
    lines = described(tmp_path, {"acme": SHOP.replace('"shpss_4f8a1c0e9b7d2a63"', '"$ACME_SECRET"')})
    expected = [
        f"{tmp_path.name}/acme.toml: off: it has no webhook secret: the variable ACME_SECRET is not set",
        "no shop is on: `adapter serve` would refuse to start",
    ]
    assert expected == lines[2:]


def test_consent(tmp_path: Path) -> None:
    """Required consent is shown with the expression that grants it, or as recorded."""
    required = SHOP + "[consent]\nrequired = true\n"
    granted = required + "granted_if = \"attribute(order, 'ad_consent') == 'granted'\"\n"
    lines = described(tmp_path, {"acme": required, "beta": granted.replace("shpss_4f8", "shpss_4f9")})
    expected = [
        "  consent: required: sent only when recorded",
        "  consent: required: sent only when attribute(order, 'ad_consent') == 'granted'",
    ]
    assert expected == [line for line in lines if "consent:" in line]


def test_settings(tmp_path: Path) -> None:
    """PostgreSQL is named without its address, and every notice of the settings is shown."""
    database = "postgresql://adapter:canary@db.example/orders"
    lines = described(tmp_path, {"acme": SHOP}, DATABASE_URL=database, SECRET_KEY="short")
    assert "database: PostgreSQL" == lines[0]
    assert ["note: SECRET_KEY has fewer than 32 characters: a long random text seals what is stored better"] == [
        line for line in lines if line.startswith("note: ")
    ]
    assert not [line for line in lines if "canary" in line]


def test_lines_that_never_find_anything(tmp_path: Path) -> None:
    """A line of the mapping that finds nothing in any sample order is a note; of a shop that is off, too."""
    off = SHOP.replace('"shpss_4f8a1c0e9b7d2a63"', '"$ACME_SECRET"') + '[event.user_data]\nzip = "order.zipcode"\n'
    lines = described(tmp_path, {"acme": off})
    label = f"{tmp_path.name}/acme.toml"
    expected = f"note: {label}: event.user_data.zip: finds nothing in any of the 13 sample orders (line 11)"
    assert expected in lines
    assert 1 == len([line for line in lines if "sample orders" in line])
