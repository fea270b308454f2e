"""Which channels a message goes through: each gets it, whatever became of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapter.alerts import mail, webhook
from adapter.alerts.message import Message
from adapter.alerts.webhook import NotTold

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.alerts.channels import Channels


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message in one channel; `problem` is None when it was taken. `where` holds no secret."""

    channel: str
    where: str
    problem: str | None


def send_by_all(channels: Channels, message: Message) -> list[Sent]:
    """Send the message through every channel that is set; return what became of it in each."""
    return [Sent(channel, where, _problem(send, message)) for channel, where, send in _channels(channels)]


def places(channels: Channels) -> dict[str, str]:
    """Return by channel where messages go."""
    return {channel: where for channel, where, _ in _channels(channels)}


def _channels(channels: Channels) -> Iterator[tuple[str, str, Callable[[Message], None]]]:
    if (hook := channels.hook) is not None:
        signed = "signed" if hook.secret else "not signed"
        yield "webhook", f"{urlsplit(hook.url).hostname}, {signed}", partial(webhook.post, hook)
    if (mailing := channels.mailing) is not None:
        number = "1 address" if len(mailing.to) == 1 else f"{len(mailing.to)} addresses"
        yield "e-mail", f"{number}, by {mailing.host}:{mailing.port}", partial(mail.send, mailing)


def _problem(send: Callable[[Message], None], message: Message) -> str | None:
    try:
        send(message)
    except NotTold as reason:
        return str(reason)
    return None
