"""The mappings directory becomes shops, or a list of everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.shops.shop import Shops

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
    assert ("'00000'", "mappings/acme.toml") == (
        leaves["event.user_data.zip"].text,
        leaves["event.user_data.zip"].origin,
    )
    assert "mappings/shopify.toml" == leaves["event.user_data.email"].origin
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
        ({"SHOPIFY_WEBHOOK_SECRET": "x" * 15}, "its webhook secret is shorter than 16 characters"),
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
    assert "no event is sent yet: [axon] has no pixel_id or no api_key; orders are taken and wait" in shop.notices


def test_http_sites_are_noticed(folder: Any) -> None:
    """A shop on plain http works, with a notice."""
    folder.write("acme", 'extends = "shopify"\nsite_url = "http://shop.example"')
    (shop,) = folder.load()
    assert ("site_url http://shop.example is http: buyers' data would travel in clear",) == shop.notices


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


def test_two_woocommerce_shops_on_one_pixel(folder: Any) -> None:
    """Equal order numbers would count once: refused, unless one has a prefix, another pixel or is off."""
    folder.write("a", 'extends = "woocommerce"')
    folder.write("b", 'extends = "woocommerce"')
    (problem,) = folder.problems()
    assert (
        "mappings/b.toml: event.dedupe_id: mappings/a.toml sends the same ids to the same pixel: equal order numbers "
        "would count once (put a prefix before one of them, like join('-', ['b', to_string(order.id)]))"
    ) == problem
    for cure in (
        "[event]\ndedupe_id = \"join('-', ['b', to_string(order.id)])\"",
        '[axon]\npixel_id = "another"',
        '[orders]\ncount = "paid"',
    ):
        secret = 'webhook_secret = "$UNSET"\n' if "count" in cure else ""
        folder.write("b", f'extends = "woocommerce"\n{secret}{cure}')
        assert 2 == len(list(folder.load()))


def test_the_same_id_by_another_expression(folder: Any) -> None:
    """Not the text of the expression counts but the id that it gives; Shopify's ids are unique everywhere."""
    folder.write("a", 'extends = "woocommerce"')
    folder.write("b", 'extends = "woocommerce"\n[event]\ndedupe_id = "purchase.id"')
    assert 1 == len(folder.problems())
    folder.write("b", 'extends = "woocommerce"\n[event]\ndedupe_id = "sum(order.line_items)"')
    assert 2 == len(list(folder.load()))
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"')
    assert 2 == len(list(folder.load()))


def test_two_envelopes_for_one_destination(folder: Any) -> None:
    """One destination gets its batches in one form."""
    folder.write("a", 'extends = "shopify"')
    folder.write("b", 'extends = "shopify"\n[axon]\nenvelope = "list"')
    (problem,) = folder.problems()
    assert problem.startswith("mappings/b.toml: axon.envelope: mappings/a.toml sends to the same pixel")


def test_an_unset_part_of_a_list(folder: Any) -> None:
    """A list with one unset secret is a mistake: half of the webhooks would be refused."""
    folder.write("a", 'extends = "shopify"\nwebhook_secret = ["$SHOPIFY_WEBHOOK_SECRET", "$OLD"]')
    expected = "mappings/a.toml: webhook_secret: the variable OLD is not set (set it, or take it out of the list)"
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
