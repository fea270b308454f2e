"""What may stand on a page without being asked for: never what is personal, nor what may repeat it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from adapter.purchase.contract import DATA, ITEM, PARTNER

_PLAIN_TARGETS = frozenset(
    [
        *("event.dedupe_id", "event.event_time", "event.name"),
        *(f"event.user_data.{name}" for name in ("esi", "os", "country_code")),
        *(f"event.data.{name}" for name in DATA if name != "user_id"),
        *(f"event.data.items.{name}" for name in ITEM),
        *(f"event.measurement_partner_data.{name}" for name in PARTNER),
    ]
)
"""Fields that say nothing about a person, as long as the mapping fills them with what they are for."""

_PERSONAL_NAMES = frozenset(
    ("email", "email_plain", "phone", "phone_plain", "user_id", "customer_id", "zip", "ip", "user_agent", "source_url")
)
_PLAIN_PATHS = re.compile(
    r"item\.\w+$|shop\.\w+$|line\.(?!properties|meta_data)\w+$|lookup\("
    r"|order\.(id|number|name|order_number|currency|presentment_currency)$"
)
_INDEX = re.compile(r"\[\d+\]")

_TRACES = r"[^\s\"'<>,;:]+@[^\s\"'<>,;:]+|\b[0-9a-fA-F]{32,}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b"
_TRACE = re.compile(_TRACES)
"""What looks like an e-mail address, a hash or an IP address."""
_TRACE_OR_NUMBER = re.compile(rf"{_TRACES}|\+?\d[\d\s().-]{{6,}}\d")
"""Or like a telephone number."""

HIDDEN = "▪▪▪"


def is_plain(target: str, value: object, paths: Iterable[str]) -> bool:
    """Whether a field may be shown: by its name, and text only when what its expression reads is harmless as well."""
    if _INDEX.sub("", target) not in _PLAIN_TARGETS:
        return False
    return isinstance(value, bool | int | Decimal | None) or all(map(_is_plain_path, paths))


def _is_plain_path(path: str) -> bool:
    root, _, name = path.partition(".")
    if root == "purchase":
        return name not in _PERSONAL_NAMES
    return _PLAIN_PATHS.match(path) is not None


_SHORTEST = 4
"""Shorter values would tear words apart."""


def veiled_answer(text: str, values: Iterable[str]) -> str:
    """Return what Axon said without these values of the event, and without what looks personal besides."""
    for value in sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True):
        text = re.sub(re.escape(value), HIDDEN, text, flags=re.IGNORECASE)
    return _TRACE_OR_NUMBER.sub(HIDDEN, text)


def veiled_reason(reason: str | None) -> str | None:
    """Return a reason without what Axon's answer to one event may repeat of it."""
    if reason is None:
        return None
    kind, _, rest = reason.partition(":")
    if kind == "refused by Axon":
        return f"{kind}:{rest.partition(':')[0]}"
    return _TRACE.sub(HIDDEN, reason)
