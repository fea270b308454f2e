"""Read the body of a request: exact numbers, and the bytes of each event as they came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Never, TypeVar

import msgspec

from adapter.axon.sandbox.kinds import is_list, is_object
from adapter.errors import AdapterError

_LONGEST_NUMBER = 40
"""Digits of a number, and size of its exponent. Not documented; it keeps every sum exact and cheap."""

Given = TypeVar("Given")
Made = TypeVar("Made")

_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number")


class BodyRefused(AdapterError):
    """The body isn't a list of events in JSON; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class SubmittedEvent:
    """One element of the list: parsed (numbers are `Decimal`), its own bytes, and their canonical SHA-256."""

    document: object
    source: msgspec.Raw
    sha256: str


class _Envelope(msgspec.Struct):
    events: list[msgspec.Raw]


def read_events(body: bytes) -> tuple[SubmittedEvent, ...]:
    """Return the events in this body, valid or not; raise `BodyRefused` when it holds no list of events.

    The page's table names an object with the field `events`, its example shows the bare list: both are read.
    """
    document = _guarded(_parse, body)
    listed = document.get("events") if is_object(document) else document
    if not is_list(listed):
        raise BodyRefused('the body is neither {"events": [...]} nor a list of events')
    sources = _guarded(_sources, body)
    return tuple(
        SubmittedEvent(event, source, _guarded(_sha256, event)) for event, source in zip(listed, sources, strict=True)
    )


def event_sha256(event: bytes) -> str:
    """Return the SHA-256 (hex) by which the sandbox knows an event, computed from the event's bytes.

    Canonical form: UTF-8, keys sorted, no white space, nothing escaped that needn't be; a number is written as
    `Decimal` writes it, so 30 and 30.0 differ. Raises `BodyRefused` when the bytes aren't JSON.
    """
    return _guarded(_sha256, _guarded(_parse, event))


def _guarded(step: Callable[[Given], Made], given: Given) -> Made:
    try:
        return step(given)
    except RecursionError:
        raise BodyRefused("the body isn't JSON: it is nested too deeply") from None
    except (ValueError, ArithmeticError, msgspec.MsgspecError):
        # The parser's own words may repeat the body, which may be personal.
        raise BodyRefused("the body isn't JSON in UTF-8 with numbers of an ordinary size") from None


def _parse(body: bytes) -> object:
    return json.loads(body.decode(), parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


def _number(written: str) -> Decimal:
    value = Decimal(written)
    if len(written) > _LONGEST_NUMBER or abs(value.adjusted()) > _LONGEST_NUMBER:
        raise ValueError("a number of extraordinary size")
    return value


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} isn't JSON")


def _sources(body: bytes) -> list[msgspec.Raw]:
    if body.lstrip().startswith(b"["):
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    return msgspec.json.decode(body, type=_Envelope).events


def _sha256(document: object) -> str:
    return hashlib.sha256(_canonical.encode(document)).hexdigest()
