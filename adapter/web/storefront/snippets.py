"""What is to be pasted where, so that a shop's clicks reach the adapter: ready for that shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from adapter.shops.shop import Shop
from adapter.web.storefront.dedupe import affixes_of, expression_of
from adapter.web.storefront.rendering import dedupe_expression, pixel, plugin

PLACEHOLDER = "https://your-adapter.example"
"""Stands for the adapter's public address where nobody has told it."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One thing to paste: its name, where it belongs, and the text itself. A long one is better written to a file."""

    name: str
    where: str
    text: str
    file: str | None = None


def snippets(shop: Shop, address: str) -> dict[str, Snippet]:
    """Return by name what a shop of this platform needs; `address` is the adapter's, without a slash at its end."""
    made = (make(shop, address) for make in _PARTS[shop.platform])
    return {snippet.name: snippet for snippet in made}


def lines(shop: Shop, address: str) -> Iterator[str]:
    """Yield everything, for reading and pasting."""
    for snippet in snippets(shop, address).values():
        yield f"── {snippet.name} ── {snippet.where}"
        if snippet.file:
            url = "" if address == PLACEHOLDER else f" --url {address}"
            yield f"adapter snippets --shop {shop.name}{url} --part {snippet.name} > {snippet.file}"
        else:
            yield from snippet.text.splitlines()
        yield ""
    yield from (f"note: {note}" for note in notes(shop, address))


def notes(shop: Shop, address: str) -> Iterator[str]:
    """Yield what is still to be done, or isn't as well as it could be."""
    if address == PLACEHOLDER:
        yield f"{PLACEHOLDER} stands for the adapter's public address: say it with --url https://…"
    if shop.off is not None:
        yield f"the shop is off ({shop.off}): until that is set, there is no script and no click is taken"
    yield f"clicks are taken from {', '.join(shop.origins) or 'nowhere yet: set site_url'} ([storefront] origins)"
    yield from _notes_about_cookies(shop, urlsplit(address).hostname or "")
    if affixes_of(shop) is None:
        yield (
            f"the mapping's dedupe_id ({expression_of(shop)}) isn't the order's id with a fixed text around it: a "
            "browser can't make the same, and the purchase would count twice; "
            'write dedupe_id = "order.id", or a prefix before it'
        )
    if shop.platform == "woocommerce" and (others := [*_told_otherwise(shop)]):
        yield (
            f"the plugin tells the pixel what the shipped mapping file sends, and yours sends {', '.join(others)}: "
            "let the filter order_adapter_purchase say the same, which the plugin's first lines explain"
        )


def _told_otherwise(shop: Shop) -> Iterator[str]:
    """Yield the fields, with their expressions, for which the mapping sends something else than the plugin tells."""
    for target, same in _TOLD_BY_PLUGIN.items():
        leaf = shop.rules.mapping.leaf_at(target)
        if leaf is not None and leaf.expression.text not in same:
            yield f"{leaf.name} = {leaf.expression.text}"


_TOLD_BY_PLUGIN: Mapping[str, tuple[str, ...]] = {
    "event.data.transaction_id": ("order.id", "purchase.id"),
    "event.data.currency": ("purchase.currency", "order.currency"),
    "event.data.value": ("purchase.items_value",),
    "event.data.tax": ("purchase.tax",),
    "event.data.shipping": ("purchase.shipping",),
    "event.data.items.item_id": ("item.id",),
    "event.data.items.item_variant_id": ("item.variant_id",),
    "event.data.items.item_name": ("item.title",),
    "event.data.items.price": ("item.price",),
    "event.data.items.quantity": ("item.quantity",),
}
"""By field the expressions that say what the plugin tells the pixel."""


def _notes_about_cookies(shop: Shop, host: str) -> Iterator[str]:
    domain = shop.cookie_domain
    site = urlsplit(shop.rules.site_url).hostname or ""
    if domain and host != domain and not host.endswith(f".{domain}"):
        yield f"{host} isn't under {domain} ([storefront] cookie_domain): the adapter can set no cookies of the shop"
    elif not domain and site and host.endswith(f".{site.removeprefix('www.')}"):
        advice = f'cookie_domain = "{site.removeprefix("www.")}"'
        yield f"write {advice} into [storefront]: the adapter then keeps the cookies for a year"


def _script(shop: Shop, address: str) -> Snippet:
    where = {
        "shopify": "Online Store › Themes › … › Edit code › theme.liquid, just before </head>",
        "woocommerce": "only without the plugin: into the <head> of every page",
    }
    source = escape(f"{address}/storefront/{shop.name}.js")
    return Snippet("script", where[shop.platform], f'<script defer src="{source}"></script>\n')


def _pixel(shop: Shop, address: str) -> Snippet:
    where = 'Settings › Customer events › Add custom pixel; permission "Not required": it asks for the consent itself'
    return Snippet("pixel", where, pixel(shop, address))


def _plugin(shop: Shop, address: str) -> Snippet:
    where = "a file for wp-content/mu-plugins: script, order meta, cookies and the pixel's purchase"
    return Snippet("plugin", where, plugin(shop, address), "order-adapter.php")


def _dedupe(shop: Shop, _address: str) -> Snippet:
    affixes = affixes_of(shop)
    where = {
        "shopify": "where your Axon pixel tracks the purchase (checkout_completed): its fourth argument",
        "woocommerce": "only without the plugin: where your Axon pixel tracks the purchase, its fourth argument",
    }[shop.platform]
    if affixes is None:
        return Snippet("dedupe", where, "// No browser can make this shop's dedupe_id: see the note.\n")
    code = _DEDUPE[shop.platform].replace("DEDUPE_ID", dedupe_expression(affixes, "orderId"))
    return Snippet("dedupe", where, _SAME_FIGURES.replace("FIGURES", ", ".join(_figures(shop))) + code)


def _figures(shop: Shop) -> Iterator[str]:
    """Yield what of the mapping the pixel has to do alike."""
    for target in ("event.data.value", "event.data.items.item_id", "event.data.items.item_variant_id"):
        if leaf := shop.rules.mapping.leaf_at(target):
            yield f"{leaf.name} = {leaf.expression.text}"


_SAME_FIGURES = """\
// purchase: what your pixel tells Axon already, with value, tax, shipping, currency and items. Axon merges it with the
// adapter's, so it has to say the same: FIGURES.
"""

_DEDUPE = {
    "shopify": """\
// AppLovin's own Shopify app may track purchases too: ask your representative for its dedupe_id, or switch one off.
const order = event.data.checkout.order;
if (order && order.id) {
  const orderId = String(order.id).split("/").pop();
  axon("track", "purchase", purchase, { dedupe_id: DEDUPE_ID });
}
""",
    "woocommerce": """\
// orderId: the order's id as text, the number in …/order-received/1234/; not its order number.
// AppLovin's GTM installer tracks the purchase without a dedupe_id: change that tag, or switch it off.
axon("track", "purchase", purchase, { dedupe_id: DEDUPE_ID });
""",
}


def _consent(shop: Shop, _address: str) -> Snippet:
    where = {
        "shopify": "only for a consent banner that doesn't speak Shopify's Customer Privacy API: "
        "call it on every page, once the answer is known",
        "woocommerce": "only for a consent banner that doesn't speak the WP Consent API: "
        "call it on every page, once the answer is known; a refusal also through the plugin's filter "
        "order_adapter_consent, for buyers who don't come back to the shop after paying",
    }
    return Snippet("consent", where[shop.platform], _CONSENT)


_CONSENT = """\
<script>
  // answer: "granted" or "denied". It may be told before or after the storefront script has loaded.
  function tellOrderAdapter(answer) {
    if (typeof window.orderAdapterConsent === "function") {
      window.orderAdapterConsent(answer);
    } else {
      window.orderAdapterConsent = answer;
    }
  }
</script>
"""

_PARTS: Mapping[str, tuple[Callable[[Shop, str], Snippet], ...]] = {
    "shopify": (_script, _pixel, _dedupe, _consent),
    "woocommerce": (_plugin, _script, _dedupe, _consent),
}

PARTS = ("script", "pixel", "plugin", "dedupe", "consent")
"""Every name that a snippet can have."""
