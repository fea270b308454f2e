"""How values stand on a page: nothing in them can hide, turn the text round, or fill the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from adapter.operations.veil import veiled_reason

LONGEST = 400
"""So many characters of a text are shown, then its length."""

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def plain(text: object, longest: int = LONGEST) -> str:
    """Return a text without what can't be seen or reorders others: controls, zero widths, marks of direction."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text)[: longest + 1])
    whole = str(text)
    return shown if len(whole) <= longest else f"{shown[:longest]}… ({len(whole):,} characters)"


def moment(at: datetime | None) -> str:
    """Return a moment to the second, in UTC; – for none."""
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def clock_time(at: datetime) -> str:
    """Return the time of day to the second, in UTC."""
    return f"{at:%H:%M:%S}"


def span(length: timedelta) -> str:
    """Return how long something takes, by its two largest units."""
    seconds = int(abs(length).total_seconds())
    for size, name in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {name}"
    return "0 s"


def exact(amount: Decimal) -> str:
    """Return an amount with exactly its digits."""
    return f"{amount:f}"


def amount(value: Decimal) -> str:
    """Return a sum of money with its thousands apart, and as many digits after the point as it needs, two at least."""
    exponent = value.normalize().as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{value:,.{places}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def lines(text: str) -> str:
    """Return a text of several lines as `plain` does, each line by itself."""
    return "\n".join(plain(line, 2000) for line in text.splitlines())


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(part: int, whole: int) -> str:
    """Return a share; – of nothing. What isn't all is never shown as 100 %."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if part < whole and share > 99.9:  # noqa: PLR2004  # What would be rounded to all.
        return "> 99.9 %"
    return f"{share:.1f} %" if 0 < share < 100 else f"{share:.0f} %"  # noqa: PLR2004  # All.


def _moment_of(text: str) -> str:
    return moment(datetime.fromisoformat(text))


def _ago(text: str, now: datetime) -> str:
    return span(now - datetime.fromisoformat(text))


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "plain": plain,
    "moment": moment,
    "clock_time": clock_time,
    "span": span,
    "number": number,
    "exact": exact,
    "amount": amount,
    "moment_of": _moment_of,
    "ago": _ago,
    "lines": lines,
    "sentence": sentence,
    "veiled": veiled_reason,
}
