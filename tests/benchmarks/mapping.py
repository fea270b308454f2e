"""How long one order takes from its sealed body to the validated bytes of its event, as a ratio to `json.loads`.

    python tests/benchmarks/mapping.py [--rounds 7]

Run by `make bench`. Both are timed in turns within one run, so that what else the machine does falls on both. Nothing
here is asserted: a time is a fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.purchase.decision import decide
from adapter.shops.load import load_shops
from adapter.shops.shop import Shop
from adapter.storage.sealing import Sealer

REPOSITORY = Path(__file__).resolve().parents[2]
ROUNDS = 7
TIMES = 300
LINES = 5

_SAMPLES = REPOSITORY / "tests" / "samples"
_LIVE = _SAMPLES / "woocommerce-live"
_BODIES = {
    "shopify": ("shopify", _SAMPLES / "shopify" / "api_2026_10.json"),
    "shopify, two taxes and discounts a line": ("shopify", _SAMPLES / "shopify" / "web_discounts_usd.json"),
    "woocommerce": ("woocommerce", _LIVE / "03-order-created-guest-cod-variation-attribution-clickids" / "body.bin"),
}
_ENVIRONMENT = {
    "SHOPIFY_WEBHOOK_SECRET": "a-secret-of-the-benchmark",
    "SHOPIFY_SITE_URL": "https://shopify.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "a-secret-of-the-benchmark",
    "WOOCOMMERCE_SITE_URL": "https://woocommerce.example",
    "AXON_PIXEL_ID": "00000000-0000-4000-8000-000000000000",
    "AXON_API_KEY": "a-key-of-the-benchmark",
}


def document_of(name: str, lines: int = LINES) -> dict[str, Any]:
    """Return an order with so many lines."""
    document: dict[str, Any] = json.loads(_BODIES[name][1].read_bytes())
    return {**document, "line_items": (document["line_items"] * lines)[:lines]}


def written(document: Mapping[str, Any]) -> bytes:
    """Return the order's body, as compact as the platforms write it."""
    return json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode()


def body_of(name: str) -> bytes:
    """Return an order's body with five lines."""
    return written(document_of(name))


def whole_way(shop: Shop, sealer: Sealer, body: bytes) -> Callable[[], bytes]:
    """Return the work that delivery does for one order: open, read, decide, validate, encode."""
    sealed = sealer.seal(body, "benchmark")
    platform = PLATFORMS[shop.platform]

    def work() -> bytes:
        document = parse_document(sealer.open(sealed, "benchmark"))
        order = platform.read_order(document, shop.rules.policy.side)
        event = decide(order, {}, shop.rules, timedelta(0)).to_send
        if event is None:
            raise RuntimeError("the benchmark's order would not be sent")
        return event.encode()

    return work


def microseconds(work: Callable[[], object]) -> float:
    """Return the median CPU time of one call: what else the machine does counts as little as it can."""
    times: list[float] = []
    for _ in range(TIMES):
        began = thread_time()
        work()
        times.append(thread_time() - began)
    return median(times) * 1e6


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = options.parse_args()
    shops = load_shops(REPOSITORY / "mappings", _ENVIRONMENT, PLATFORMS, "https://b.applovin.com/v1/event")
    sealer = Sealer(["a-key-of-the-benchmark"])
    print("sealed body → validated event bytes, five lines, one core; ratio to json.loads of the same body")
    spread_of = f"min … max of {chosen.rounds} rounds"
    print(f"{'order':<41}{'body':>9}{'json.loads':>12}{'whole way':>12}{'ratio':>9}   {spread_of}")
    for name, (platform, _) in _BODIES.items():
        body, shop = body_of(name), shops.by_name[platform]
        work = whole_way(shop, sealer, body)
        rounds = [(microseconds(partial(json.loads, body)), microseconds(work)) for _ in range(chosen.rounds)]
        ratios = sorted(whole / alone for alone, whole in rounds)
        alone, whole = (median(column) for column in zip(*rounds, strict=True))
        spread = f"{ratios[0]:.2f} … {ratios[-1]:.2f}"
        print(f"{name:<41}{len(body):>7} B{alone:>9.0f} µs{whole:>9.0f} µs{median(ratios):>9.2f}   {spread}")


if __name__ == "__main__":
    main()
