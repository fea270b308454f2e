"""The mappings directory becomes shops, or a list of everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from adapter.shops.shop import Shops

NO_NAME = "a text that starts with $ must be a variable's name alone, like $NAME without braces"
ROOT = Path(__file__).resolve().parents[2]


def test_the_shipped_files(load_directory: Callable[[Path], Shops]) -> None:
    """Both shipped files are complete shops once their variables are set."""
    shops = load_directory(ROOT / "mappings")
    assert ["shopify", "woocommerce"] == [shop.name for shop in shops.on()]
    shop = shops.get("shopify")
    assert shop is not None
    assert ("a shopify secret of 32 letters..",) == shop.secrets
    assert ("https://shop.example",) == shop.origins
    assert (timedelta(days=7), timedelta(seconds=20), "paid", "presentment") == (
        shop.rules.policy.max_age,
        shop.rules.policy.hold,
        shop.rules.policy.count,
        shop.rules.policy.side,
    )
    assert not shop.rules.policy.consent_required
    assert 11 == len(shop.rules.policy.skip)
    assert shops.get("absent") is None


def test_secrets_are_not_shown(load_directory: Callable[[Path], Shops]) -> None:
    """Neither the webhook secret nor the API key stands in a shop's representation."""
    text = repr(load_directory(ROOT / "mappings"))
    assert "letters.." not in text
    assert "'key'" not in text


def test_one_destination_for_two_shops(folder: Any, full_environment: dict[str, str]) -> None:
    """Shops with the same pixel and key share a destination; its id changes with the credentials."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "woocommerce"')
    (id_, (destination, names)), *others = folder.load().destinations().items()
    assert ([], ["a", "b"]) == (others, names)
    assert "key" not in id_
    full_environment["AXON_API_KEY"] = "another key"
    assert id_ not in folder.load(full_environment).destinations()
    assert ("https://api.example/v1/event", "pixel", "events") == (
        destination.api_url,
        destination.pixel_id,
        destination.envelope,
    )


def test_a_shop_of_ones_own(folder: Any) -> None:
    """A file that extends a shipped one says only what differs; an empty text takes a line away."""
    folder.write(
        "acme",
        """
        extends = "shopify"
        webhook_secret = ["$SHOPIFY_WEBHOOK_SECRET", "another secret of 16+"]
        [orders]
        hold_seconds = 0
        skip = ["test"]
        [event.user_data]
        phone = ""
        zip = "'00000'"
        [tables.categories]
        "Acme" = 1.50
        """,
    )
    (shop,) = folder.load()
    assert 2 == len(shop.secrets)
    assert (frozenset({"test"}), timedelta(0)) == (shop.rules.policy.skip, shop.rules.policy.hold)
    leaves = {leaf.target: leaf.expression for leaf in shop.rules.mapping.leaves["event.user_data"]}
    assert "event.user_data.phone" not in leaves
    assert ("'00000'", "mappings/acme.toml:9") == (
        leaves["event.user_data.zip"].text,
        leaves["event.user_data.zip"].origin,
    )
    lines = (ROOT / "mappings" / "shopify.toml").read_text("utf-8").splitlines()
    said, _, line = leaves["event.user_data.email"].origin.partition(":")
    assert "mappings/shopify.toml" == said
    assert lines[int(line) - 1].startswith("email             =")
    assert {"Acme": Decimal("1.50")} == shop.rules.mapping.categories


def test_extending_over_two_steps(folder: Any) -> None:
    """A base may have a base; the nearest file wins; a neighbour comes before a shipped file."""
    folder.write("shopify", 'extends = "shopify"\n[orders]\nhold_seconds = 5')
    folder.write("acme", 'extends = "shopify"\n[orders]\nmax_age_days = 3')
    policy = folder.load().by_name["acme"].rules.policy
    assert (timedelta(seconds=5), timedelta(days=3)) == (policy.hold, policy.max_age)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"SHOPIFY_WEBHOOK_SECRET": ""},
            "it has no webhook secret: the variable SHOPIFY_WEBHOOK_SECRET is not set",
        ),
        (
            {"SHOPIFY_WEBHOOK_SECRET": "x" * 15},
            "its webhook secret $SHOPIFY_WEBHOOK_SECRET is shorter than 16 characters",
        ),
    ],
)
def test_shops_that_are_off(
    folder: Any, full_environment: dict[str, str], changes: dict[str, str], reason: str
) -> None:
    """A shop without a good secret is off and says why; its other unset variables are no problem then."""
    folder.write("acme", 'extends = "shopify"')
    del full_environment["SHOPIFY_SITE_URL"], full_environment["AXON_API_KEY"]
    (shop,) = folder.load(full_environment | changes)
    assert reason == shop.off
    assert (False, (), (), None) == (shop.is_on, shop.secrets, shop.notices, shop.destination)


@pytest.mark.parametrize("missing", ["AXON_PIXEL_ID", "AXON_API_KEY"])
def test_a_destination_that_waits(folder: Any, full_environment: dict[str, str], missing: str) -> None:
    """Without a pixel id or key the shop is on, and its orders wait."""
    folder.write("acme", 'extends = "shopify"')
    del full_environment[missing]
    (shop,) = folder.load(full_environment)
    assert shop.is_on
    assert shop.destination is None
    assert (f"no event is sent yet: the variable {missing} is not set; orders are taken and wait",) == shop.notices


def test_no_credentials_in_the_file(folder: Any) -> None:
    """An [axon] table without a pixel id waits like one with an unset variable."""
    folder.write("acme", 'extends = "shopify"\n[axon]\npixel_id = ""')
    (shop,) = folder.load()
    assert ("no event is sent yet: [axon] has no pixel_id; orders are taken and wait",) == shop.notices
    folder.write("acme", 'extends = "shopify"\n[axon]\npixel_id = "$A"\napi_key = ""')
    (shop,) = folder.load()
    expected = "no event is sent yet: the variable A is not set; [axon] has no api_key; orders are taken and wait"
    assert (expected,) == shop.notices


@pytest.mark.parametrize("value", ["key\n", " key", "k\xe9y", "key\r\nX-Header: 1"])
@pytest.mark.parametrize(("variable", "name"), [("AXON_PIXEL_ID", "pixel_id"), ("AXON_API_KEY", "api_key")])
def test_credentials_that_no_request_can_carry(
    folder: Any, full_environment: dict[str, str], variable: str, name: str, value: str
) -> None:
    """A blank or a line break that was pasted along is said before the first request fails; orders wait."""
    folder.write("acme", 'extends = "shopify"')
    (shop,) = folder.load(full_environment | {variable: value})
    (notice,) = shop.notices
    assert shop.destination is None
    assert notice.startswith(f"no event is sent yet: {name} has characters that no request can carry")


def test_http_sites_are_noticed(folder: Any) -> None:
    """A shop on plain http works, with a notice."""
    folder.write("acme", 'extends = "shopify"\nsite_url = "http://shop.example"')
    (shop,) = folder.load()
    assert ("site_url http://shop.example is http: buyers' data travels in clear there; use https",) == shop.notices


def test_origins_and_cookies(folder: Any) -> None:
    """Origins are taken as browsers send them; a file without any has its site's."""
    folder.write(
        "acme",
        'extends = "shopify"\n[storefront]\norigins = ["HTTPS://Shop.example:443/", "$WOOCOMMERCE_SITE_URL"]\n'
        'cookie_domain = ".Shop.example"',
    )
    (shop,) = folder.load()
    assert (("https://shop.example", "https://woo.example"), "shop.example") == (shop.origins, shop.cookie_domain)
    folder.write("acme", 'extends = "shopify"\nsite_url = "https://shop.example/de"\n[storefront]\norigins = ""')
    (shop,) = folder.load()
    assert ("https://shop.example",) == shop.origins


def test_an_unset_part_of_a_list(folder: Any) -> None:
    """A list with one unset secret is a mistake: half of the webhooks would be refused."""
    folder.write("a", 'extends = "shopify"\nwebhook_secret = ["$SHOPIFY_WEBHOOK_SECRET", "$OLD"]')
    expected = (
        "mappings/a.toml: webhook_secret: the variable OLD is not set (set it, or take it out of the list) (line 2)"
    )
    assert [expected] == folder.problems()


def test_directories_without_files(folder: Any, load_directory: Callable[[Path], Shops]) -> None:
    """An empty directory, and one that is none, say so; hidden files and other endings are no mapping files."""
    (folder.path / ".hidden.toml").write_text("=")
    (folder.path / "notes.txt").write_text("=")
    assert "there is no mapping file (*.toml) here" in folder.problems()[0]
    with pytest.raises(Exception, match="the mapping files can't be read: No such file or directory"):
        load_directory(folder.path / "absent")


@pytest.mark.parametrize(("on", "problems"), [(True, 3), (False, 0)])
def test_unset_addresses(folder: Any, on: bool, problems: int) -> None:
    """Unset variables in addresses are problems of a shop that is on, and none of one that is off."""
    secret = "" if on else 'webhook_secret = "$UNSET"\n'
    storefront = '[storefront]\norigins = ["$NO_ORIGIN"]\ncookie_domain = "$NO_DOMAIN"'
    folder.write("acme", f'extends = "shopify"\nsite_url = "$NO_URL"\n{secret}{storefront}')
    if problems:
        assert problems == len(folder.problems())
    else:
        (shop,) = folder.load()
        assert ((), None) == (shop.origins, shop.cookie_domain)


@pytest.mark.parametrize(
    ("secret", "off"),
    [
        ("[]", "it has no webhook secret: webhook_secret is empty"),
        ('[""]', "it has no webhook secret: webhook_secret is empty"),
        ('["$A", "$B"]', "it has no webhook secret: the variable A is not set; the variable B is not set"),
        ('["a secret of 16 letters", "short"]', "its webhook secret is shorter than 16 characters"),
        ('["$SHOPIFY_WEBHOOK_SECRET", "$TOKEN"]', "its webhook secret $TOKEN is shorter than 16 characters"),
        (
            '"${SHOPIFY_WEBHOOK_SECRET}"',
            f"it has no webhook secret: {NO_NAME}",
        ),
    ],
)
def test_why_a_shop_is_off(folder: Any, full_environment: dict[str, str], secret: str, off: str) -> None:
    """A shop without secrets names what is missing; a written-out secret is never shown."""
    folder.write("acme", f'extends = "shopify"\nwebhook_secret = {secret}')
    (shop,) = folder.load(full_environment | {"TOKEN": "x"})
    assert (off, ()) == (shop.off, shop.secrets)


def test_sixteen_characters_are_enough(folder: Any) -> None:
    """The shortest secret that is taken has 16 characters."""
    folder.write("acme", 'extends = "shopify"\nwebhook_secret = "0123456789abcdef"')
    (shop,) = folder.load()
    assert (True, ("0123456789abcdef",)) == (shop.is_on, shop.secrets)


def test_a_secret_from_a_mounted_file(folder: Any, full_environment: dict[str, str], tmp_path: Path) -> None:
    """A mounted secret is the file's text without its last newline; blanks and commas stay."""
    (tmp_path / "secret").write_text(" a, secret with 16+ \n", "utf-8")
    full_environment["SHOPIFY_WEBHOOK_SECRET_FILE"] = str(tmp_path / "secret")
    del full_environment["SHOPIFY_WEBHOOK_SECRET"]
    folder.write("acme", 'extends = "shopify"')
    (shop,) = folder.load(full_environment)
    assert (" a, secret with 16+ ",) == shop.secrets


def test_broken_expressions_of_a_shop_that_is_off(folder: Any) -> None:
    """A shop that is off is quiet about unset variables, not about mistakes in its file."""
    folder.write(
        "acme",
        'extends = "shopify"\nwebhook_secret = "$A"\nsite_url = "$B"\n[event.data]\ntax = "nothing.tax"\n'
        '[storefront]\norigins = ["*"]',
    )
    assert [
        """mappings/acme.toml: event.data.tax: unknown name "nothing" in 'nothing.tax'""",
        "mappings/acme.toml: storefront.origins: '*' is no origin (an origin is like https://shop.example) (line 7)",
    ] == [problem.partition(" (known here")[0] for problem in folder.problems()]


def test_http_of_a_shop_that_is_off(folder: Any) -> None:
    """A shop that is off says nothing about http: no data travels."""
    folder.write("acme", 'extends = "shopify"\nwebhook_secret = []\nsite_url = "http://shop.example"')
    (shop,) = folder.load()
    assert (False, ()) == (shop.is_on, shop.notices)


def test_the_second_shops_origin(folder: Any) -> None:
    """A shop with an address of its own takes clicks from there, not from the first shop's address."""
    folder.write("acme", 'extends = "shopify"\nsite_url = "https://acme.example/de"')
    (shop,) = folder.load()
    assert ("https://acme.example",) == shop.origins
    folder.write("acme", 'extends = "shopify"\n[storefront]\norigins = []')
    (shop,) = folder.load()
    assert () == shop.origins


def test_every_file_is_looked_at(folder: Any) -> None:
    """The problems of all files come at once, those that can't be read first; a good file doesn't hide them."""
    folder.write("a", 'extends = "shopify"\nplatform = "x"')
    folder.write("b", 'extends = "shopify"')
    folder.write("c", "=")
    folder.write("d", 'extends = "shopify"\n[orders]\ncount = "x"')
    places = [problem.split(": ")[0] for problem in folder.problems()]
    assert ["mappings/c.toml", "mappings/a.toml", "mappings/d.toml"] == places


def test_everything_a_file_can_say(folder: Any) -> None:
    """Each setting of a file reaches the shop."""
    folder.copy(ROOT / "tests" / "mappings" / "valid" / "everything.toml")
    (shop,) = folder.load()
    policy, mapping = shop.rules.policy, shop.rules.mapping
    assert ("authorized", "shop", frozenset(), True) == (
        policy.count,
        policy.side,
        policy.skip,
        policy.consent_required,
    )
    assert (timedelta(days=3650), timedelta(seconds=120)) == (policy.max_age, policy.hold)
    assert ("everything", "mappings/everything.toml", "shopify", "everything", "shopify", "https://shop.example") == (
        shop.name,
        shop.label,
        shop.platform,
        shop.rules.name,
        shop.rules.platform,
        shop.rules.site_url,
    )
    assert ("a pixel written out", "a key written out", "list") == (
        shop.destination.pixel_id,
        shop.destination.api_key,
        shop.destination.envelope,
    )
    assert "contains(order.tags || '', 'wholesale')" == mapping.skip_if.text
    assert "attribute(order, 'ad_consent') == 'granted'" == mapping.granted_if.text
    assert ["stored.aleid"] == [expression.text for expression in mapping.clicks["aleid"]]
    assert {"Acme Shoes": 187} == mapping.categories
    assert ("https://shop.example", "https://www.shop.example", "https://woo.example") == shop.origins
    assert "shop.example" == shop.cookie_domain


def test_five_hundred_shops(folder: Any) -> None:
    """Five hundred shops on one base are loaded in a few seconds of one core, each with a table of its own."""
    for number in range(500):
        own = f'[tables.categories]\n"product" = {number}\n'
        folder.write(f"shop{number}", f'extends = "shopify"\nsite_url = "https://shop{number}.example"\n{own}')
    began = process_time()
    shops = folder.load()
    assert process_time() - began < 10
    assert {f"shop{number}": number for number in range(500)} == {
        shop.name: shop.rules.mapping.categories["product"] for shop in shops
    }


def test_shops_share_what_they_inherit(folder: Any) -> None:
    """An expression of a common base is compiled once; what a shop writes itself is its own."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"\n[event.data]\ntax = "purchase.total"')
    first, second = (shop.rules.mapping for shop in folder.load())
    assert first.leaf_at("event.dedupe_id").expression is second.leaf_at("event.dedupe_id").expression
    assert first.clicks["aleid"][0] is second.clicks["aleid"][0]
    taxes = [mapping.leaf_at("event.data.tax").expression.text for mapping in (first, second)]
    assert ["purchase.tax", "purchase.total"] == taxes


def test_each_shop_looks_into_its_own_tables(folder: Any) -> None:
    """One expression that two shops inherit finds in each what the shop's own table says."""
    brand = "[event.data.items]\nitem_brand = \"lookup('brands', line.vendor)\"\n"
    folder.write("base", f'extends = "shopify"\n{brand}[tables.brands]\nacme = "base brand"')
    for name in ("a", "b"):
        folder.write(name, f'extends = "base"\n[tables.brands]\nacme = "{name} brand"')
    shops = folder.load()
    leaves = {shop.name: shop.rules.mapping.leaf_at("event.data.items.item_brand") for shop in shops}
    found = {name: leaf.expression.evaluate({"line": {"vendor": "acme"}}) for name, leaf in leaves.items()}
    assert {"a": "a brand", "b": "b brand", "base": "base brand"} == found
