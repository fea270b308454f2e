"""What the sandbox can be told to do wrong, and when it strikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal

import msgspec

from adapter.axon.sandbox.kinds import is_list, is_object
from adapter.errors import AdapterError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class MisbehaviourRefused(AdapterError):
    """The sandbox was told to misbehave in a way it doesn't know; the message names the field."""


class Poison(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which valid events the API shall refuse: by `dedupe_ids`, or where the value at `path` is `equals`.

    A path is dotted, list places are numbers: "data.transaction_id", "data.items.0.item_id".
    """

    dedupe_ids: frozenset[str] = frozenset()
    path: str = ""
    equals: Any = None

    def matches(self, event: object) -> bool:
        """Whether this event is poison."""
        if is_object(event) and event.get("dedupe_id") in self.dedupe_ids:
            return True
        return bool(self.path) and _has(event, self.path.split("."), self.equals)


class Misbehaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way to misbehave; parts may be combined, and nothing set means none.

    `status`: answer this; other than 200, the batch isn't processed. `headers` and `body` replace those of the
    answer. `delay_seconds`: wait before the answer, after processing. `reset`: drop the connection with RST "before"
    or "after_processing", or "mid_answer" (after `after_bytes`, else half). `hang`: process, then never answer.
    `drip_seconds_per_byte`: send the answer byte by byte. `huge_answer_bytes`: send so many bytes of body, with
    `gzip` as a small body that unpacks to them. `poison`: refuse a batch with such an event with 400.
    `probability` (0 to 1) and `times` say how often; without them, always.
    """

    status: Annotated[int, msgspec.Meta(ge=100, le=999)] | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    delay_seconds: Seconds = 0
    reset: Literal["before", "after_processing", "mid_answer"] | None = None
    after_bytes: Annotated[int, msgspec.Meta(ge=0)] | None = None
    hang: bool = False
    drip_seconds_per_byte: Seconds = 0
    huge_answer_bytes: Positive | None = None
    gzip: bool = False
    poison: Poison | None = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1
    times: Positive | None = None

    def concerns(self, events: Iterable[object]) -> bool:
        """Whether it can strike a batch of these events."""
        return self.poison is None or any(map(self.poison.matches, events))


GOOD_BEHAVIOUR = Misbehaviour()


class Faults:
    """The misbehaviours in force; for each request the first one that strikes applies alone."""

    def __init__(self, rules: Sequence[Misbehaviour], random: Random) -> None:
        self._remaining = [(rule, rule.times) for rule in rules]
        self._random = random

    def strike(self, events: Iterable[object]) -> Misbehaviour:
        """Return what to do wrong with this request, and count it; `GOOD_BEHAVIOUR` when nothing strikes."""
        listed = list(events)
        for place, (rule, remaining) in enumerate(self._remaining):
            if remaining == 0 or not rule.concerns(listed) or self._random.random() >= rule.probability:
                continue
            if remaining is not None:
                self._remaining[place] = (rule, remaining - 1)
            return rule
        return GOOD_BEHAVIOUR


def parse_misbehaviours(told: object) -> tuple[Misbehaviour, ...]:
    """Read one misbehaviour or a list of them from plain values; {} and [] end it.

    Raises `MisbehaviourRefused` for an unknown field or a wrong value.
    """
    listed = told if is_list(told) else [told]
    try:
        return tuple(msgspec.convert(one, Misbehaviour) for one in listed if one != {})
    except msgspec.ValidationError as error:
        raise MisbehaviourRefused(f"The sandbox can't misbehave like that: {error}.") from None


def parse_told(body: bytes) -> tuple[Misbehaviour, ...]:
    """Read the JSON of `POST /misbehave`; raise `MisbehaviourRefused` when it isn't one."""
    try:
        told = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MisbehaviourRefused(f"The sandbox was told nothing it can read: {error}.") from None
    return parse_misbehaviours(told)


_decoder = msgspec.json.Decoder(float_hook=Decimal)


def _has(value: object, path: list[str], wanted: object) -> bool:
    for step in path:
        if is_object(value) and step in value:
            value = value[step]
        elif is_list(value) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return False
    return value == wanted


def as_told(rules: Sequence[Mapping[str, Any]], rule: Mapping[str, Any]) -> list[object]:
    """Join the two ways to tell it from Python: whole rules, and the fields of one rule by name."""
    return [*rules, rule] if rule else list(rules)
