"""What has been received from each shop so far, and how its webhooks are registered when nothing has."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.operations.live.finding import Finding, Setup
from adapter.shops.shop import Shop

_PLACEHOLDER = "https://<your service>"

_REGISTER = {
    "shopify": "Shopify admin › Settings › Notifications › Webhooks › Create webhook: one for each of the events Order"
    " creation, Order payment and Order cancellation, format JSON, URL {url}; then Send test notification",
    "woocommerce": "WooCommerce › Settings › Advanced › Webhooks › Add webhook: one for each of the topics Order"
    " created and Order updated, status Active, Delivery URL {url}, API version WP REST API Integration v3, the same"
    " secret as here; then place a test order",
}


def look(setup: Setup, url: str | None) -> Iterator[Finding]:
    """Yield for each shop that is on its last order, or how to register its webhooks."""
    purchases = setup.stores().purchases
    for shop in setup.shops.on():
        rows = purchases.rows(shop=shop.name, limit=1)
        if not rows:
            yield _never(shop, url)
            continue
        (last,) = rows
        what = f"{last['state']}: {last['reason']}" if last["reason"] else last["state"]
        when = f"{last['received_at']:%Y-%m-%d %H:%M} UTC"
        yield Finding(f"shop {shop.name}: last order {last['order_id']}, {when}, {what}")


def _never(shop: Shop, url: str | None) -> Finding:
    address = f"{url or _PLACEHOLDER}/webhooks/{shop.name}"
    step = f"register the webhooks of {shop.name}: {_REGISTER[shop.platform].format(url=address)}"
    return Finding(f"shop {shop.name}: has never received anything", step)
