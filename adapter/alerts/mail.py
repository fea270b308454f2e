"""Alerts by e-mail: over TLS, or to a server on this machine; in bounded time, however slowly the server answers."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import formatdate
from ipaddress import ip_address
from threading import Timer
from typing import Any

from adapter.alerts.channels import Mailing
from adapter.alerts.message import Message
from adapter.alerts.webhook import NotTold

SECONDS = 20.0
"""What a try may take, whatever comes."""

_SECONDS_EACH = 10.0


def send(mailing: Mailing, message: Message, seconds: float = SECONDS) -> None:
    """Mail a message; raise `NotTold`."""
    try:
        with closing(_connected(mailing, seconds)) as server:
            if not mailing.is_tls and not _is_here(mailing.host):
                server.starttls(context=ssl.create_default_context())
            if mailing.user is not None:
                server.login(mailing.user, mailing.password or "")
            server.send_message(_mail(mailing, message))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotTold(f"the mail server didn't take it ({type(error).__name__})") from None


def _connected(mailing: Mailing, seconds: float) -> _Punctual:
    if mailing.is_tls:
        return _PunctualTLS(mailing.host, mailing.port, seconds, context=ssl.create_default_context())
    return _Punctual(mailing.host, mailing.port, seconds)


class _Punctual(smtplib.SMTP):
    """Cuts its connection when all of it takes too long: smtplib's timeout begins anew with every read."""

    def __init__(self, host: str, port: int, seconds: float, **options: Any) -> None:  # noqa: ANN401  # As the base.
        self._timer = Timer(seconds, self._cut)
        self._timer.start()
        try:
            super().__init__(host, port, timeout=min(seconds, _SECONDS_EACH), **options)
        except BaseException:
            self.close()
            raise

    def _cut(self) -> None:
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._timer.cancel()
        super().close()


class _PunctualTLS(_Punctual, smtplib.SMTP_SSL):
    pass


def _mail(mailing: Mailing, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = mailing.sender
    mail["To"] = ", ".join(mailing.to)
    mail["Date"] = formatdate()
    mail.set_content(message.text, cte="quoted-printable")  # Not every server takes eight bits.
    return mail


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
