"""The posted JSON of a click, checked: its keys, its identifiers and the buyer's answer about consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from adapter.purchase.identity import CLICK_FIELDS, LONGEST_IDENTIFIER, clean_identifier

KEYS = ("checkout_token", "cart_token", "order_key", "client_id")
"""What an order can be found by; all of them are random, none can be guessed."""

REFUSAL: Mapping[str, str] = {"consent": "denied"}
_ANSWERS = ("granted", "denied")
_LONGEST_TEXT = 2048


class ClickRefused(ValueError):
    """The posted JSON can't be used; the message names the path and what is wanted."""


@dataclass(frozen=True, slots=True)
class PostedClick:
    """What a page or a pixel has posted. A refusal has no other fields: nothing else may be kept then."""

    keys: tuple[tuple[str, str], ...]
    fields: Mapping[str, str]

    @property
    def is_refusal(self) -> bool:
        """Whether the buyer said no."""
        return self.fields is REFUSAL


def read_click(body: bytes) -> PostedClick:
    """Return the click in these bytes, whatever its content type; raise `ClickRefused`."""
    posted = _parse(body)
    keys = _keys(posted)
    # Nothing else that is wrong with a refusal may keep it from being heard.
    return PostedClick(keys, REFUSAL if posted.get("consent") == REFUSAL["consent"] else _fields(posted))


def shortened(values: Mapping[str, object]) -> dict[str, str]:
    """Return those that are texts, each cut to what is kept of one."""
    return {name: text[:_LONGEST_TEXT] for name, text in values.items() if isinstance(text, str) and text}


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ClickRefused("the body is no flat JSON object") from None


def _keys(posted: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    keys = tuple((kind, _identifier(kind, posted[kind])) for kind in KEYS if posted.get(kind) is not None)
    if not keys:
        raise ClickRefused(f"one key is wanted: {', '.join(KEYS)}")
    return keys


def _identifier(name: str, value: object) -> str:
    if name == "cart_token" and isinstance(value, str):
        value = value.partition("?")[0]  # Shopify's cart cookie goes on with ?key=…, its orders don't.
    text = clean_identifier(value)
    if text is None:
        raise ClickRefused(f"{name}: text of a URL's characters, at most {LONGEST_IDENTIFIER}, is wanted")
    return text


def _fields(posted: Mapping[str, object]) -> dict[str, str]:
    found = {name: _identifier(name, posted[name]) for name in CLICK_FIELDS if posted.get(name) is not None}
    consent, page_url = posted.get("consent"), posted.get("page_url")
    if consent not in (None, *_ANSWERS):
        raise ClickRefused(f"consent: one of {', '.join(_ANSWERS)} is wanted")
    if page_url is not None and not isinstance(page_url, str):
        raise ClickRefused("page_url: text is wanted")
    if not found and consent is None:
        raise ClickRefused(f"one identifier or a consent is wanted: {', '.join(CLICK_FIELDS)}")
    return {**found, **shortened({"consent": consent, "page_url": page_url})}
