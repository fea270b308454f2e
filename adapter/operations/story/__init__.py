"""The story of one order: what happened when, what was sent and why each field is what it is, what can be done now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adapter.errors import SealBroken
from adapter.operations.preview import Preview, Remembered, preview
from adapter.operations.preview.money import money_of
from adapter.operations.story.actions import Actions, actions_of
from adapter.operations.story.fields import Told, fields_of
from adapter.operations.story.moments import Moment, moments_of
from adapter.operations.veil import veiled_answer, veiled_reason
from adapter.platforms.document import parse_document
from adapter.purchase.order import Order
from adapter.shops.shop import Shop, Shops
from adapter.storage.clicks import Clicks
from adapter.storage.stories import Known, Stories


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order for its page. `shop` is None when no mapping file has its name.

    `sent` says whether the fields are those of the event as it was sent; otherwise they are what the present mapping
    makes of the order. `preview` is None when the body is gone, or can't be opened.
    """

    known: Known
    shop: Shop | None
    moments: tuple[Moment, ...]
    actions: Actions
    preview: Preview | None
    fields: tuple[Told, ...]
    sent: bool
    money: Mapping[str, Any] | None
    answer: tuple[tuple[str, str], ...]
    reason: str | None
    raw: str | None


class Storyteller:
    """Tells stories. `unveiled` ones hold values that are personal."""

    def __init__(self, stories: Stories, clicks: Clicks, shops: Shops) -> None:
        self._stories = stories
        self._clicks = clicks
        self._shops = shops

    def tell(self, row_id: int, now: datetime, *, unveiled: bool = False) -> Story | None:
        """Return the story of the order in this row, None when there is none; raise `StorageUnavailable`."""
        known = self._stories.get(row_id)
        if known is None:
            return None
        shop = self._shops.get(known.row["shop"])
        shown = self._preview(known, shop, now)
        event = _event(known)
        fields = fields_of(event, shown, unveiled=unveiled)
        return Story(
            known=known,
            shop=shop,
            moments=moments_of(known, now),
            actions=actions_of(known, shop, now),
            preview=shown,
            fields=fields,
            sent=event is not None,
            money=money_of(shown.order) if shown and shown.order else None,
            answer=_answer(known, event, unveiled=unveiled),
            reason=known.row["reason"] if unveiled else veiled_reason(known.row["reason"]),
            raw=msgspec.json.format(known.event, indent=2).decode() if known.event and unveiled else None,
        )

    def _preview(self, known: Known, shop: Shop | None, now: datetime) -> Preview | None:
        if known.body is None or shop is None:
            return None

        def remembered(order: Order) -> Remembered:
            try:
                return Remembered(self._clicks.find(shop.name, order.click_keys), known.age)
            except SealBroken:
                return Remembered({}, known.age)

        return preview(known.body, shop, now, remembered)


def _event(known: Known) -> Mapping[str, Any] | None:
    return parse_document(known.event) if known.event is not None else None


def _answer(known: Known, event: Mapping[str, Any] | None, *, unveiled: bool) -> tuple[tuple[str, str], ...]:
    """Return what the API answered last, name by name."""
    if not known.row["answer"]:
        return ()
    values = () if event is None else tuple(str(value) for value in event["user_data"].values())
    answer: Mapping[str, Any] = json.loads(known.row["answer"])
    return tuple(
        (_WORDS.get(name, name), str(value) if unveiled else veiled_answer(str(value), values))
        for name, value in answer.items()
    )


_WORDS = {
    "verdict": "meaning",
    "status": "status",
    "problem": "problem",
    "error_code": "error code",
    "error_message": "error message",
    "trace_id": "trace id",
    "body": "body",
}
