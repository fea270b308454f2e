"""Shops of both platforms, from mapping files of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapter.platforms.registry import PLATFORMS
from adapter.shops.load import load_shops
from adapter.shops.shop import Shop

MAPPINGS = Path(__file__).parents[3] / "mappings"
ENVIRONMENT = {
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://www.shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
}


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    """Return what loads a shop that extends a shipped file; `tables` are what it says besides."""

    def make(platform: str = "shopify", tables: str = "", name: str = "acme") -> Shop:
        (tmp_path / f"{name}.toml").write_text(f'extends = "{platform}"\n{tables}')
        shop = load_shops(tmp_path, ENVIRONMENT, PLATFORMS, "https://api.example/").get(name)
        assert shop is not None
        return shop

    return make
