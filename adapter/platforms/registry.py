"""Every platform, by the name that a mapping file gives it. A new platform is one line here."""

from __future__ import annotations

from collections.abc import Mapping

from adapter.platforms.shopify import SHOPIFY
from adapter.platforms.webhook import Platform
from adapter.platforms.woocommerce import WOOCOMMERCE

PLATFORMS: Mapping[str, Platform] = {platform.name: platform for platform in (SHOPIFY, WOOCOMMERCE)}
