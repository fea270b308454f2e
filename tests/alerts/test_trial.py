"""`adapter alerts`: where they go, whether a message arrives, and what is said when it doesn't; never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from adapter.alerts.channels import Channels, Hook, Mailing
from adapter.alerts.trial import place_lines, try_lines
from adapter.cli.alerting import alerts
from adapter.errors import AlertsNotTold

WORDS = "Somebody asked whether alerts arrive here. They do, and nothing is wrong."


def channels_of(hook_server: Any, mail_server: Any, secret: str | None = "canary-secret") -> Channels:
    """Return both channels, to these servers."""
    mailing = Mailing(
        to=("canary@x.example", "b@x.example"),
        sender="from@x.example",
        host="127.0.0.1",
        port=mail_server.port,
        is_tls=False,
        user="canary-user",
        password="canary-password",
    )
    return Channels(Hook(url=f"{hook_server.url}/canary-path", secret=secret), mailing)


def test_where_alerts_go(hook_server: Any, mail_server: Any) -> None:
    """Each channel by its host alone; one that isn't set says which variables would set it."""
    expected = [
        "log: always",
        "webhook: 127.0.0.1, signed",
        f"e-mail: 2 addresses, by 127.0.0.1:{mail_server.port}",
    ]
    assert expected == list(place_lines(channels_of(hook_server, mail_server)))
    assert [
        "log: always",
        "webhook: nowhere; ALERT_WEBHOOK_URL would say where",
        "e-mail: nowhere; ALERT_EMAIL_TO and SMTP_URL would say where",
    ] == list(place_lines(Channels()))
    assert [] == hook_server.received


def test_both_take_it(hook_server: Any, mail_server: Any) -> None:
    """The message arrives in both, once, and says that it is a test; so it is said of both."""
    expected = [
        "webhook: 127.0.0.1, not signed: taken",
        f"e-mail: 2 addresses, by 127.0.0.1:{mail_server.port}: taken",
    ]
    assert expected == list(try_lines(channels_of(hook_server, mail_server, None)))
    ((_, body),) = hook_server.received
    assert f"order adapter: test\n• {WORDS}" == json.loads(body)["text"]
    (mail,) = mail_server.mails
    assert "Subject: order adapter: test\r\n" in mail
    assert WORDS in mail.replace("=\r\n", "").replace("\r\n", " ")


def test_one_does_not(hook_server: Any, mail_server: Any) -> None:
    """The other gets it all the same; why this one didn't is said without an address, a name or a password."""
    hook_server.status = 404
    lines = try_lines(channels_of(hook_server, mail_server))
    assert f"e-mail: 2 addresses, by 127.0.0.1:{mail_server.port}: taken" == next(lines)
    with pytest.raises(AlertsNotTold) as refused:
        next(lines)
    assert "webhook: 127.0.0.1, signed: not taken: the webhook answered 404" == str(refused.value)
    assert 1 == len(mail_server.mails)


def test_neither_does(hook_server: Any, mail_server: Any) -> None:
    """Both reasons are told at once."""
    hook_server.status = 500
    mail_server.answers = {"RCPT": "550 canary@x.example is unknown"}
    with pytest.raises(AlertsNotTold) as refused:
        list(try_lines(channels_of(hook_server, mail_server)))
    by_mail = f"e-mail: 2 addresses, by 127.0.0.1:{mail_server.port}"
    assert [
        "webhook: 127.0.0.1, signed: not taken: the webhook answered 500",
        f"{by_mail}: not taken: the mail server didn't take it (SMTPRecipientsRefused)",
    ] == str(refused.value).splitlines()


def test_the_command(hook_server: Any) -> None:
    """It needs no database; it ends with 1 when nothing was there to try."""
    environment = {"ALERT_WEBHOOK_URL": hook_server.url, "MAPPINGS_DIR": "mappings"}
    shown = CliRunner().invoke(alerts, [], env=environment)
    assert (0, True) == (shown.exit_code, "webhook: 127.0.0.1, not signed" in shown.output)
    tried = CliRunner().invoke(alerts, ["--test"], env=environment)
    assert (0, "webhook: 127.0.0.1, not signed: taken\n") == (tried.exit_code, tried.output)
    unset = CliRunner().invoke(alerts, ["--test"], env={"MAPPINGS_DIR": "mappings"})
    assert isinstance(unset.exception, AlertsNotTold)
    words = "there is nothing to try besides the log: set ALERT_WEBHOOK_URL or ALERT_EMAIL_TO and SMTP_URL"
    assert words == str(unset.exception)
