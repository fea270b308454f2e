"""One mapping file alone, only to look at what it makes of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapter.errors import ConfigurationRefused
from adapter.shops.load import UNSET_SITE, load_file

if TYPE_CHECKING:
    from tests.shops.conftest import Folder

PLATFORMS = ("shopify", "woocommerce")


def test_without_any_variable(folder: Folder) -> None:
    """Nothing that isn't set matters: the shop is off, has no secret and no destination, and some address."""
    folder.write(
        "acme", 'extends = "shopify"\n[storefront]\ncookie_domain = "$ACME_DOMAIN"\norigins = ["$ACME_ORIGIN"]\n'
    )
    shop = load_file(folder.path / "acme.toml", {}, PLATFORMS)
    assert ("acme", "mappings/acme.toml", "shopify") == (shop.name, shop.label, shop.platform)
    assert (False, (), None, UNSET_SITE) == (shop.is_on, shop.secrets, shop.destination, shop.rules.site_url)


def test_secrets_are_not_read(folder: Folder) -> None:
    """A file with its secrets in it, and variables half set, is no other case."""
    text = 'extends = "shopify"\nwebhook_secret = ["an old secret of 32 letters ....", "$NEW"]\nsite_url = "$SITE"\n'
    folder.write("acme", text + '[axon]\npixel_id = "pixel"\napi_key = "key"\n')
    shop = load_file(folder.path / "acme.toml", {"SITE": "https://acme.example"}, PLATFORMS)
    assert ((), None, "https://acme.example") == (shop.secrets, shop.destination, shop.rules.site_url)


def test_every_problem(folder: Folder) -> None:
    """What is wrong in the file is refused with all of it, also an address that is none."""
    folder.write(
        "acme", 'extends = "shopify"\nsite_url = "shop"\n[event.data]\nvaleu = "order.id"\ntax = "purchase.tx"\n'
    )
    with pytest.raises(ConfigurationRefused) as refused:
        load_file(folder.path / "acme.toml", {}, PLATFORMS)
    assert ["site_url", "event.data.valeu", "event.data.tax"] == sorted(
        (problem.path for problem in refused.value.problems),
        key=["site_url", "event.data.valeu", "event.data.tax"].index,
    )


@pytest.mark.parametrize("text", [None, "not toml", 'extends = "nobody"'])
def test_a_file_that_can_not_be_read(folder: Folder, text: str | None) -> None:
    """A missing file, no TOML and a missing base are one problem."""
    if text is not None:
        folder.write("acme", text)
    with pytest.raises(ConfigurationRefused) as refused:
        load_file(folder.path / "acme.toml", {}, PLATFORMS)
    assert 1 == len(refused.value.problems)
