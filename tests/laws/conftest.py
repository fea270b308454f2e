"""How a law is proven: by a few examples in every run of the tests, by many in `make campaigns`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laws.way import Way, ways

from adapter.shops.load import load_shops

FEW = 100
MANY = 8_400

ENVIRONMENT = {
    "SHOPIFY_WEBHOOK_SECRET": "a shopify secret of 32 letters..",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "a woocommerce secret, with commas",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
    "AXON_PIXEL_ID": "pixel",
    "AXON_API_KEY": "key",
}


class Proof:
    """Holds a law against so many examples. The few are the same in every run, the many are new ones each time.

    `record` is told how many were checked.
    """

    def __init__(self, examples: int, record: Callable[[int], None]) -> None:
        self.examples = examples
        self.checked = 0
        self._record = record

    def __call__(self, **strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
        """Decorate the law; it is proven at once."""

        def prove(law: Callable[..., None]) -> None:
            try:
                self._settings()(given(**strategies)(self._counted(law)))()
            finally:
                self._record(self.checked)

        return prove

    def _settings(self) -> settings:
        return settings(
            max_examples=self.examples,
            derandomize=self.examples == FEW,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],  # The machine may be busy.
        )

    def _counted(self, law: Callable[..., None]) -> Callable[..., None]:
        @wraps(law)
        def counted(**drawn: Any) -> None:  # Whatever the law takes.
            law(**drawn)
            self.checked += 1

        return counted


@pytest.fixture(
    params=[
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=pytest.mark.campaign),
    ]
)
def proof(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Any:
    """Return what proves a law; the many are put on the record, for the campaign's table."""
    is_campaign = request.param == MANY
    return Proof(request.param, lambda checked: record_property("examples", checked) if is_campaign else None)


@pytest.fixture(scope="session")
def all_ways() -> Any:
    """Return the way of each platform, by its shipped mapping file."""
    directory = Path(__file__).parents[2] / "mappings"
    shops = load_shops(directory, ENVIRONMENT, ("shopify", "woocommerce"), "https://api.example/v1/event")
    return ways({shop.name: shop.rules for shop in shops})


@pytest.fixture(params=["shopify", "woocommerce"])
def way(request: pytest.FixtureRequest, all_ways: Any) -> Way:
    """Return the way of one platform: the test runs once for each."""
    found: Way = all_ways[request.param]
    return found
