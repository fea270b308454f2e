"""Every field of an order's event: its value as sent, the expression that made it, and what that read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapter.operations.preview import Preview
from adapter.operations.showing import shown
from adapter.operations.veil import is_plain
from adapter.purchase.explanation import Explained, Source
from adapter.purchase.reads import Read

_WIDEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One field. `value` is what was sent, else what would be; `hidden` says how long it is when it isn't shown.

    `now` is what the present mapping makes, when that is something else. `origin` is the file and line that say so.
    """

    target: str
    value: str | None
    hidden: int | None = None
    now: str | None = None
    differs: bool = False
    expression: str = ""
    origin: str = ""
    sources: tuple[str, ...] = ()
    failed: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is, or would be, sent here."""
        return self.value is None and self.hidden is None


def fields_of(event: Mapping[str, Any] | None, preview: Preview | None, *, unveiled: bool) -> tuple[Told, ...]:
    """Return the fields of the event as sent, or as it would be; explained, as long as the order's body is kept."""
    explained = {line.target: line for line in preview.explanation} if preview else {}
    sent = dict(_leaves("event", event)) if event is not None else None
    targets = [*(target for target in sent or {} if target not in explained), *explained]
    return tuple(_told(target, sent, explained.get(target), unveiled=unveiled) for target in targets)


def _told(target: str, sent: Mapping[str, Any] | None, line: Explained | None, *, unveiled: bool) -> Told:
    present = line.value if line else None
    value = present if sent is None else sent.get(target)
    paths = [source.read.path for source in line.sources] if line else []
    is_open = unveiled or is_plain(target, value, paths)
    differs = sent is not None and line is not None and _plain(value) != _plain(present)
    return Told(
        target=target,
        value=shown(value, _WIDEST) if is_open and value is not None else None,
        hidden=None if is_open or value is None else len(str(value)),
        now=shown(present, _WIDEST) if differs and is_open else None,
        differs=differs,
        expression=line.expression if line else "",
        origin=line.origin if line else "",
        sources=tuple(_words(source, is_open=is_open) for source in line.sources) if line else (),
        failed=line.failed if line else None,
    )


def _words(source: Source, *, is_open: bool) -> str:
    """Say what was read, and where a cleaned name or a click came from in turn."""
    read, whence = source.read, source.whence
    words = f"{read.path} = {shown(read.value)}" if is_open else read.path
    if isinstance(whence, Read):
        place = f"{whence.path} = {shown(whence.value)}" if is_open else whence.path
        return f"{words}, from {place}"
    return f"{words}, {whence}" if whence else words


def _leaves(path: str, value: object) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]  # Any JSON.
                yield from _leaves(f"{path}.{name}", inner)  # pyright: ignore[reportUnknownArgumentType]  # As above.
        case list():
            for index, inner in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # As above.
                yield from _leaves(f"{path}[{index}]", inner)  # pyright: ignore[reportUnknownArgumentType]  # As above.
        case _:
            yield path, value


def _plain(value: object) -> object:
    """Return numbers alike, however they came here: the sent ones were read from JSON."""
    return Decimal(str(value)) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
