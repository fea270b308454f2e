"""The dedupe_id of a mapping, as far as a browser can make the same."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.web.storefront.dedupe import Affixes, affixes_of, expression_of


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.id", Affixes("", "")),
        ("purchase.id", Affixes("", "")),
        ("to_string(order.id)", Affixes("", "")),
        ("join('', ['acme_', to_string(order.id)])", Affixes("acme_", "")),
        ("join('-', [shop.name, purchase.id, 'x'])", Affixes("acme-", "-x")),
        ("order.number", None),
        ("order.order_key", None),
        ("join('-', [to_string(order.id), order.number])", None),
        ("'the same for all'", None),
        ("order.nothing", None),
        ("join('-', [order.nothing])", None),
        ("clicks.aleid", None),
    ],
)
@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_what_stands_around_the_id(make_shop: Any, platform: str, expression: str, expected: Affixes | None) -> None:
    """An id between fixed texts can be made anywhere; whatever else needs the order itself."""
    shop = make_shop(platform, f'[event]\ndedupe_id = "{expression}"\n')
    assert (expected, expression) == (affixes_of(shop), expression_of(shop))
