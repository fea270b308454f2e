"""Alerts by e-mail: to a server on this machine in clear, elsewhere over TLS alone; in bounded time."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.header import decode_header
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapter.alerts import mail
from adapter.alerts.channels import Mailing
from adapter.alerts.message import Message
from adapter.alerts.webhook import NotTold

HOUR = timedelta(hours=1)
MESSAGE = Message("order adapter: delivery_dead", "order adapter: delivery_dead\n• ü")


def mailing(server: Any, **changes: Any) -> Mailing:
    """Return where to mail: the server of the test."""
    known = {"to": ("a@x.example", "b@x.example"), "sender": "from@x.example", "host": "127.0.0.1"}
    return Mailing(**{**known, "port": server.port, "is_tls": False, **changes})


def test_a_mail(mail_server: Any) -> None:
    """It has sender, addressees, subject, date and the text; without a user nobody logs in."""
    mail.send(mailing(mail_server), MESSAGE)
    (text,) = mail_server.mails
    found = message_from_string(text.removesuffix("\r\n.\r\n"))
    assert ("from@x.example", "a@x.example, b@x.example") == (found["From"], found["To"])
    assert [("order adapter: delivery_dead", None)] == decode_header(found["Subject"])
    assert found["Date"]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert text.isascii()
    assert MESSAGE.text == payload.decode().replace("\r\n", "\n").strip()
    assert not [words for words in mail_server.said if words.startswith("AUTH")]


def test_a_login(mail_server: Any) -> None:
    """With a user it logs in: AUTH PLAIN, and in base 64 a zero, the user, a zero, the password."""
    mail.send(mailing(mail_server, user="me", password="pw"), MESSAGE)
    assert "AUTH PLAIN AG1lAHB3" in mail_server.said
    assert 1 == len(mail_server.mails)


def test_no_password_in_clear(mail_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on this machine nothing is said before TLS; a server without it gets nothing."""
    monkeypatch.setattr(mail, "_is_here", lambda _host: False)
    with pytest.raises(NotTold, match="SMTPNotSupportedError"):
        mail.send(mailing(mail_server, user="me", password="pw"), MESSAGE)
    assert [] == mail_server.mails
    assert not [words for words in mail_server.said if words.startswith(("AUTH", "MAIL"))]


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("x.example", False)]
)
def test_this_machine(host: str, here: bool) -> None:
    """Only these names stay on this machine."""
    assert here is mail._is_here(host)


def test_tls_from_the_start(mail_server: Any) -> None:
    """A server that speaks no TLS gets nothing by smtps://."""
    with pytest.raises(NotTold, match="SSLError"):
        mail.send(mailing(mail_server, is_tls=True), MESSAGE)
    assert [] == mail_server.mails


@pytest.fixture
def trusted(tmp_path: Path, mail_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server speak TLS as "localhost", by a certificate that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + HOUR)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem, secret = tmp_path / "cert.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    mail_server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mail_server.tls.load_cert_chain(pem, secret)
    trusting = ssl.create_default_context(cafile=str(pem))
    monkeypatch.setattr(mail.ssl, "create_default_context", lambda: trusting)
    monkeypatch.setattr(mail, "_is_here", lambda _host: False)


@pytest.mark.parametrize("from_the_start", [True, False])
def test_over_tls(mail_server: Any, trusted: None, from_the_start: bool) -> None:
    """A trusted server gets login and mail, over TLS from the start or after STARTTLS."""
    mail_server.tls_from_the_start = from_the_start
    mail.send(mailing(mail_server, host="localhost", is_tls=from_the_start, user="me", password="pw"), MESSAGE)
    assert 1 == len(mail_server.mails)
    assert from_the_start is ("STARTTLS" not in mail_server.said)
    assert "AUTH PLAIN AG1lAHB3" in mail_server.said


@pytest.mark.parametrize("from_the_start", [True, False])
def test_another_servers_certificate(mail_server: Any, trusted: None, from_the_start: bool) -> None:
    """A certificate for another name ends it, before a password is said."""
    mail_server.tls_from_the_start = from_the_start
    with pytest.raises(NotTold, match="SSLCertVerificationError"):
        mail.send(mailing(mail_server, is_tls=from_the_start, user="me", password="pw"), MESSAGE)
    assert not [words for words in mail_server.said if words.startswith(("AUTH", "MAIL"))]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "AUTH"])
def test_refused(mail_server: Any, verb: str) -> None:
    """A server that refuses is named by the kind of its refusal, without its words, which quote addresses."""
    mail_server.answers = {verb: "550 canary@x.example is unknown"}
    with pytest.raises(NotTold) as caught:
        mail.send(mailing(mail_server, user="me", password="pw"), MESSAGE)
    assert "canary" not in str(caught.value)


def test_a_server_that_drips(mail_server: Any, timed: Callable[[Callable[[], object]], float]) -> None:
    """One that never finishes its first line is left in time."""
    mail_server.greeting = "drips"
    assert timed(lambda: mail.send(mailing(mail_server), MESSAGE, seconds=0.5)) < 1.5
    assert [] == mail_server.mails


def test_nobody_there() -> None:
    """A server that isn't there is no more than a line of the log."""
    with pytest.raises(NotTold, match="ConnectionRefusedError"):
        mail.send(Mailing(to=("a@x.example",), sender="a@x.example", host="127.0.0.1", port=9, is_tls=False), MESSAGE)
