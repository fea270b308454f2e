"""A preview for people: in 80 columns, what becomes of the order first, then the money, the rules, every field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.operations.preview.money import money_lines
from adapter.operations.showing import WIDTH, shown, wrapped
from adapter.purchase.explanation import Explained, Source
from adapter.purchase.reads import Read
from adapter.purchase.verdicts import Verdict

if TYPE_CHECKING:
    from adapter.operations.preview import Preview

_NAMES = 20
"""Width of the column with the names of the fields."""


def lines(preview: Preview) -> Iterator[str]:
    """Yield the lines."""
    yield from _head(preview)
    if preview.order is None:
        return
    yield from ("", *money_lines(preview.order))
    if preview.warnings:
        yield ""
    for warning in preview.warnings:
        yield from _labelled("WARNING", warning)
    yield from ("", f"rules ({preview.shop.label})")
    for verdict in preview.verdicts:
        yield from _verdict(verdict)
    yield from _fields(preview)


def _head(preview: Preview) -> Iterator[str]:
    order = f", order {preview.order.id}" if preview.order else ""
    yield from wrapped(f"shop {preview.shop.name} ({preview.shop.label}){order}", "", "  ")
    if preview.shop.off:
        yield from _labelled("NOTE", f"the shop is off: {preview.shop.off}")
    if preview.skipped:
        yield from _labelled("SKIPPED", preview.skipped)
    for problem in preview.problems:
        yield from _labelled("PROBLEM", problem)


def _labelled(label: str, text: str) -> Iterator[str]:
    return wrapped(text, f"{label:<9}", " " * 9)


def _verdict(verdict: Verdict) -> Iterator[str]:
    return wrapped(verdict.fact, f"  {verdict.finding:<12} {verdict.rule:<11} ", " " * 27)


def _fields(preview: Preview) -> Iterator[str]:
    part = ""
    yield from ("", "what is sent" if preview.to_send else "what would be sent, if nothing above spoke against it")
    for line in preview.explanation:
        above, _, name = line.target.rpartition(".")
        if above != part:
            part = above
            yield from ("", _heading(part, preview))
        yield from _field(line, name)
    if preview.decision and not preview.decision.clicks:
        yield ""
        yield from _labelled("NOTE", "the order carries no click identifier; what POST /clicks stored isn't looked at")


def _heading(part: str, preview: Preview) -> str:
    left_out = part == "event.measurement_partner_data" and preview.event and part[6:] not in preview.event.fields
    return f"{part} (left out as a whole)" if left_out else part


def _field(line: Explained, name: str) -> Iterator[str]:
    room = " " * _NAMES
    named = f"  {name}".ljust(_NAMES - 1) + " "
    yield named + shown(line.value, WIDTH - len(named))
    if line.failed:
        yield from wrapped(line.failed, f"{room}! ", f"{room}  ")
    yield from _said(line.expression, line.origin)
    for source in line.sources:
        if words := _source(source, line):
            yield from wrapped(words, f"{room}  ", f"{room}    ")


def _said(expression: str, origin: str) -> Iterator[str]:
    """Yield the expression, and at the right end of its last line the file and line that say so."""
    said = list(wrapped(expression, f"{'':{_NAMES}}= ", f"{'':{_NAMES}}  "))
    if len(said[-1]) + 2 + len(origin) > WIDTH:
        said.append("")
    said[-1] += origin.rjust(WIDTH - len(said[-1]))
    return iter(said)


def _source(source: Source, line: Explained) -> str:
    """Say what was read, unless the field itself shows it."""
    read, whence, alone = source.read, source.whence, source.read.path == line.expression
    if isinstance(whence, Read):
        verb = "from" if read.value is not None else "dropped"
        place = f"{verb} {whence.path}: {shown(whence.value)}"
        return place if alone else f"{read.path}: {shown(read.value)}, {place}"
    if alone:
        return whence or ("" if shown(read.value) == shown(line.value) else f"which is {shown(read.value)}")
    return f"{read.path}: {shown(read.value)}" + (f", {whence}" if whence else "")
