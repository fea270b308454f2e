"""`adapter alerts`: where alerts go, and whether a message arrives there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.alerts.message import Message
from adapter.alerts.sending import places, send_by_all
from adapter.errors import AlertsNotTold

if TYPE_CHECKING:
    from adapter.alerts.channels import Channels

_SUBJECT = "order adapter: test"

TEST = Message(_SUBJECT, f"{_SUBJECT}\n• Somebody asked whether alerts arrive here. They do, and nothing is wrong.")

_VARIABLES = {"webhook": "ALERT_WEBHOOK_URL", "e-mail": "ALERT_EMAIL_TO and SMTP_URL"}


def place_lines(channels: Channels) -> Iterator[str]:
    """Yield for each channel where alerts go, or what to set."""
    known = places(channels)
    yield "log: always"
    for channel, variables in _VARIABLES.items():
        yield f"{channel}: {known.get(channel) or f'nowhere; {variables} would say where'}"


def try_lines(channels: Channels) -> Iterator[str]:
    """Send a message through each channel, and yield what came of it; raise `AlertsNotTold` if one didn't take it."""
    if not places(channels):
        raise AlertsNotTold(f"there is nothing to try besides the log: set {' or '.join(_VARIABLES.values())}")
    sent = send_by_all(channels, TEST)
    yield from (f"{one.channel}: {one.where}: taken" for one in sent if one.problem is None)
    problems = [f"{one.channel}: {one.where}: not taken: {one.problem}" for one in sent if one.problem]
    if problems:
        raise AlertsNotTold("\n".join(problems))
