"""Where alerts go: read from the environment, every problem at once, and no secret in any."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.alerts.channels import Channels, Hook, Mailing, load_channels
from adapter.errors import ConfigurationRefused

MAIL = {"ALERT_EMAIL_TO": "ops@shop.example", "SMTP_URL": "smtp://user:canary@mail.example"}


def problems(environment: dict[str, str]) -> list[str]:
    """Return the problems of an environment as they are shown."""
    with pytest.raises(ConfigurationRefused) as caught:
        load_channels(environment)
    return [str(problem) for problem in caught.value.problems]


def test_none() -> None:
    """Without variables alerts go to the log alone."""
    assert Channels(None, None) == load_channels({})


def test_a_webhook() -> None:
    """Its address is enough; the secret signs, if there is one."""
    url = "https://hooks.example/T0/B0/x"
    assert Hook(url=url, secret=None) == load_channels({"ALERT_WEBHOOK_URL": url}).hook
    signed = {"ALERT_WEBHOOK_URL": "http://127.0.0.1:9/x", "ALERT_WEBHOOK_SECRET": "s, t"}
    assert Hook(url="http://127.0.0.1:9/x", secret="s, t") == load_channels(signed).hook


def test_mail() -> None:
    """The port, the login and the sender follow from the address; `?from=` names another sender."""
    two = load_channels({"ALERT_EMAIL_TO": "a@x.example, b@x.example", "SMTP_URL": "smtps://mail.example/"}).mailing
    assert two is not None
    assert (("a@x.example", "b@x.example"), "a@x.example") == (two.to, two.sender)
    assert ("mail.example", 465, True, None, None) == (two.host, two.port, two.is_tls, two.user, two.password)
    url = "smtp://me%40x.example:p%40ss%3A@[::1]:2525"
    expected = Mailing(
        to=("ops@shop.example",),
        sender="me@x.example",
        host="::1",
        port=2525,
        is_tls=False,
        user="me@x.example",
        password="p@ss:",
    )
    assert expected == load_channels({"ALERT_EMAIL_TO": "ops@shop.example", "SMTP_URL": url}).mailing
    named = load_channels({**MAIL, "SMTP_URL": "smtp://apikey:x@mail.example?from=alerts@shop.example"}).mailing
    assert named is not None
    assert ("alerts@shop.example", 587, "apikey") == (named.sender, named.port, named.user)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ALERT_WEBHOOK_URL": "http://canary.example/"}, "ALERT_WEBHOOK_URL: is no https address"),
        ({"ALERT_WEBHOOK_URL": "canary"}, "ALERT_WEBHOOK_URL: is no https address"),
        ({"ALERT_WEBHOOK_SECRET": "canary"}, "ALERT_WEBHOOK_SECRET: signs nothing"),
        ({"ALERT_WEBHOOK_URL_FILE": "/nowhere/canary"}, "ALERT_WEBHOOK_URL: the file that ALERT_WEBHOOK_URL_FILE"),
        ({"ALERT_EMAIL_TO": "canary@x.example"}, "SMTP_URL: is not set, and alerts are mailed only with both"),
        ({"SMTP_URL": "smtp://canary"}, "ALERT_EMAIL_TO: is not set, and alerts are mailed only with both"),
        ({**MAIL, "ALERT_EMAIL_TO": "canary"}, "ALERT_EMAIL_TO: is no e-mail address"),
        ({**MAIL, "ALERT_EMAIL_TO": "a@x.example,"}, "ALERT_EMAIL_TO: is no e-mail address"),
        ({**MAIL, "ALERT_EMAIL_TO": "a@x.example\nBcc: canary@x.example"}, "ALERT_EMAIL_TO: is no e-mail address"),
        ({**MAIL, "SMTP_URL": "mail.example:canary"}, "SMTP_URL: is no mail server's address"),
        ({**MAIL, "SMTP_URL": "smtp://u:canary@mail.example:port"}, "SMTP_URL: is no mail server's address"),
        ({**MAIL, "SMTP_URL": "smtp://u:canary@"}, "SMTP_URL: is no mail server's address"),
        ({**MAIL, "SMTP_URL": "https://canary.example"}, "SMTP_URL: is no mail server's address"),
    ],
)
def test_problems(environment: dict[str, str], expected: str) -> None:
    """Each mistake is said by the variable's name, and never with its value."""
    (problem,) = problems(environment)
    assert problem.startswith(expected)
    assert "canary" not in problem


def test_all_at_once() -> None:
    """Problems of both channels are listed together."""
    found = problems({"ALERT_WEBHOOK_URL": "x", "ALERT_EMAIL_TO": "x", "SMTP_URL": "x"})
    assert ["ALERT_WEBHOOK_URL", "ALERT_EMAIL_TO", "SMTP_URL"] == [line.partition(":")[0] for line in found]


def test_a_mounted_file(tmp_path: Path) -> None:
    """Like every variable, each may stand in a file."""
    (tmp_path / "url").write_text("https://hooks.example/x\n")
    hook = load_channels({"ALERT_WEBHOOK_URL_FILE": str(tmp_path / "url")}).hook
    assert hook is not None
    assert "https://hooks.example/x" == hook.url


def test_no_secret_is_shown() -> None:
    """What stands in a traceback or a debugger's line holds neither the address of the webhook nor a password."""
    channels = load_channels(
        {**MAIL, "ALERT_WEBHOOK_URL": "https://hooks.example/canary", "ALERT_WEBHOOK_SECRET": "canary"}
    )
    assert "canary" not in repr(channels)
