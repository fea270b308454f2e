"""What an alert says: plain words, the same for every channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapter.storage.alerts import Alert, Cause

MOST_SHOWN = 20
"""So many causes are told in one message; the others stand in `adapter status`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: one line that says what it is about, and all of it."""

    subject: str
    text: str


def message_of(alerts: Sequence[Alert]) -> Message:
    """Return one message on all of these."""
    opened = [alert.cause for alert in alerts if not alert.is_over]
    over = [alert.cause for alert in alerts if alert.is_over]
    heads = [f"{_names(opened)}"] if opened else []
    heads += [f"over: {_names(over)}"] if over else []
    subject = f"order adapter: {'; '.join(heads)}"
    lines = [*map(_opened, opened), *map(_over, over)]
    more = [f"… and {len(lines) - MOST_SHOWN} more: see `adapter status`"] if len(lines) > MOST_SHOWN else []
    return Message(subject, "\n".join([subject, *lines[:MOST_SHOWN], *more]))


def _names(causes: Sequence[Cause]) -> str:
    """Return each name once, with how often it occurs."""
    counts: dict[str, int] = {}
    for cause in causes:
        counts[cause.name] = counts.get(cause.name, 0) + 1
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())


def _opened(cause: Cause) -> str:
    since = f", since {cause.since:%Y-%m-%d %H:%M} UTC" if cause.since else ""
    return f"• {_label(cause)}: {cause.what}{since}. What to do: {cause.remedy}."


def _over(cause: Cause) -> str:
    return f"• {_label(cause)}: over. It was: {cause.what}."


def _label(cause: Cause) -> str:
    return f"{cause.name} ({cause.subject})" if cause.subject else cause.name
