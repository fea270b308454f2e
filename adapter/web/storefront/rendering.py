"""Fills the templates in for one shop. Every value is written as a literal of the language it is put into."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from adapter import __version__
from adapter.shops.shop import Shop
from adapter.web.cookies import COOKIES
from adapter.web.storefront.dedupe import Affixes, affixes_of

_SLOT = re.compile(r"__[A-Z_]+__")


def script(shop: Shop) -> str:
    """Return the storefront script. It finds the adapter's address by its own."""
    settings = {
        "shop": shop.name,
        "required": shop.rules.policy.consent_required,
        "domain": shop.cookie_domain or "",
        "cookies": dict(COOKIES),
    }
    values = {"__PLATFORM__": _template(f"{shop.platform}.js"), "__SETTINGS__": javascript(settings)}
    return without_comments(_filled("script.js", values))


def pixel(shop: Shop, address: str) -> str:
    """Return Shopify's custom pixel; `address` is the adapter's, without a slash at its end."""
    values = {
        "__CLICKS__": javascript(f"{address}/clicks/{shop.name}"),
        "__NAMES__": javascript(dict(COOKIES)),
        "__REQUIRED__": javascript(shop.rules.policy.consent_required),
    }
    return _filled("pixel.js", values)


def plugin(shop: Shop, address: str) -> str:
    """Return the WooCommerce plugin, a PHP file; `address` is the adapter's, without a slash at its end."""
    affixes = affixes_of(shop)
    values = {
        "__VERSION__": __version__,
        "__SHOP__": shop.name,
        "__SCRIPT__": php(f"{address}/storefront/{shop.name}.js"),
        "__REQUIRED__": php(shop.rules.policy.consent_required),
        "__DOMAIN__": php(shop.cookie_domain or ""),
        "__COUNT__": php(shop.rules.policy.count),
        "__DEDUPE__": "null" if affixes is None else f"array( {php(affixes.before)}, {php(affixes.after)} )",
        **{f"__{name.upper()}__": php(cookie) for name, cookie in COOKIES.items()},
    }
    return _filled("plugin.php", values)


def dedupe_expression(affixes: Affixes, order_id: str) -> str:
    """Return JavaScript that makes the dedupe_id; `order_id` is JavaScript that gives the order's id as text."""
    parts = [affixes.before and javascript(affixes.before), order_id, affixes.after and javascript(affixes.after)]
    return " + ".join(part for part in parts if part)


def javascript(value: object) -> str:
    """Return the value as JavaScript that can end neither a script element nor a line."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def php(value: str | bool) -> str:  # noqa: FBT001  # The value itself, not a switch.
    """Return the value as PHP. In single quotes PHP knows two escapes and reads no variables; `?>` ends nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def without_comments(source: str) -> str:
    """Return the script without lines that are comments, and without indentation: a third of its bytes.

    The template holds no text that goes over several lines, and no statement that needs a line's end.
    """
    lines = (line.strip() for line in source.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


@cache
def _template(name: str) -> str:
    return (files("adapter.web.storefront") / name).read_text("utf-8")


def _filled(name: str, values: Mapping[str, str]) -> str:
    """Fill every slot in, in one pass: a value that looks like a slot stays what it is."""
    return _SLOT.sub(lambda slot: values[slot[0]], _template(name))
