"""What the scripts of a shop write into an order: Shopify's note attributes, WooCommerce's meta data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapter.jsonvalues import is_list, objects_in
from adapter.purchase.identity import clean_identifier

_OBJECTS = (dict,)
_PLACES = (("note_attributes", "name"), ("meta_data", "key"))

_BROWSER_NAMES = ("_order_adapter_id", "_axon_client_id")
"""Under which an order names the buyer's browser: the client_id of our script, and what AppLovin's own writes."""

_RANDOM = re.compile(r"(?=.*[0-9]).{8,}")
"""What can be one browser's own. Scripts also write "undefined", "null" or 1, and then for everybody."""


def attribute(order: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  # Meta values are any JSON.
    """Return the first value under this name that isn't empty, None when there is none."""
    for place, key in _PLACES:
        entries = order.get(place)
        # In one pass: lists of meta data are long, and are searched several times for every order.
        for entry in entries if is_list(entries) else ():
            if type(entry) in _OBJECTS and entry.get(key) == name and entry.get("value") not in (None, ""):
                return entry["value"]
    return None


def browser_keys(order: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the keys under which the latest click of the buyer's browser may be stored.

    >>> browser_keys({"note_attributes": [{"name": "_axon_client_id", "value": "5f0c9e1b-browser"}]})
    (('client_id', '5f0c9e1b-browser'),)
    >>> browser_keys({"meta_data": [{"key": "_axon_client_id", "value": "undefined"}]})
    ()
    """
    found = {
        entry.get(key): entry.get("value")
        for place, key in _PLACES
        for entry in objects_in(order.get(place))
        if entry.get(key) in _BROWSER_NAMES
    }
    values = (clean_identifier(found.get(name)) for name in _BROWSER_NAMES)
    return tuple(dict.fromkeys(("client_id", value) for value in values if value and _RANDOM.fullmatch(value)))
