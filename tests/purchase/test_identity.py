"""Cleaning and hashing what identifies a buyer."""

from __future__ import annotations

import pytest

from adapter.purchase.identity import (
    ClickIdentifiers,
    clean_country,
    clean_email,
    clean_identifier,
    clean_ip,
    clean_phone,
    clean_user_id,
    clean_zip,
    hashed,
    is_public_ip,
)
from adapter.purchase.order import PhoneNumber

HASH = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
"""SHA-256 of user@example.com: the vector of the fact sheet, computed elsewhere."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("user@example.com", HASH),
        ("11234567890", "cf14fe3c9d73fcb3574d2643988efb2db605b1c224725bd322d7d2350467b4dc"),
        (HASH, HASH),
        (HASH.upper(), HASH),
        (None, None),
    ],
)
def test_hashing(value: str | None, expected: str | None) -> None:
    """Values are hashed with SHA-256; what is a hash already stays, in lower case."""
    assert expected == hashed(value)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([" User@Example.COM "], "user@example.com"),
        (["", "not an address", "b@example.com"], "b@example.com"),
        ([HASH.upper()], HASH),
        (["two words@example.com"], None),
        (["@example.com", "a@b"], None),
        ([], None),
    ],
)
def test_emails(candidates: list[str], expected: str | None) -> None:
    """The first usable address counts, trimmed and in lower case."""
    assert expected == clean_email(candidates)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("(503) 555-0142", "US", "15035550142"),
        ("+1 503 555 0142", None, "15035550142"),
        ("0341 5550142", "DE", "493415550142"),
        ("0341 5550142", "de", "493415550142"),
        ("03-5550-0142", "JP", "81355500142"),
        ("00 49 341 5550142", "DE", "493415550142"),
        (HASH.upper(), "US", HASH),
        ("555-SHIP", "US", None),
        ("0341 5550142", None, None),
        ("1", "US", None),
        ("", "US", None),
    ],
)
def test_phones(text: str, country: str | None, expected: str | None) -> None:
    """A number becomes digits with its country code and without "+"; what can't be one is dropped."""
    assert expected == clean_phone([PhoneNumber(text=text, country_code=country)])


def test_the_first_good_phone_counts() -> None:
    """Candidates are tried in their order."""
    numbers = [PhoneNumber(text="none", country_code="US"), PhoneNumber(text="0113 496 0002", country_code="GB")]
    assert "441134960002" == clean_phone(numbers)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("97205-1234", "US", "97205"),
        ("972051234", "US", "97205"),
        (" 97205 ", "US", "97205"),
        ("K1A 0B1", "CA", "K1A 0B1"),
        ("ABC", "US", "ABC"),
        ("", "US", None),
        (None, None, None),
    ],
)
def test_zips(text: str | None, country: str | None, expected: str | None) -> None:
    """A US zip is cut to five digits; others stay."""
    assert expected == clean_zip(text, country)


@pytest.mark.parametrize(("text", "expected"), [("de", "DE"), (" US ", "US"), ("USA", None), ("", None), (None, None)])
def test_countries(text: str | None, expected: str | None) -> None:
    """A country is two capital letters or nothing."""
    assert expected == clean_country(text)


@pytest.mark.parametrize(("text", "expected"), [("123456", "123456"), ("12345", None), ("", None), (None, None)])
def test_user_ids(text: str | None, expected: str | None) -> None:
    """Axon asks for six characters."""
    assert expected == clean_user_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses(text: str | None, expected: str | None) -> None:
    """An address comes out in its usual spelling, IPv4 in IPv6 as IPv4."""
    assert expected == clean_ip(text)


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("203.0.113.9", True), ("127.0.0.1", False), ("10.1.2.3", False), ("fd00::1", False)],
)
def test_private_addresses(address: str, public: bool) -> None:
    """A private or loopback address can't be a buyer's."""
    assert public is is_public_ip(address)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Cj0KCQ_-x.~", "Cj0KCQ_-x.~"),
        ("0b8f6c1e-0000-4000-8000-000000000001", "0b8f6c1e-0000-4000-8000-000000000001"),
        ("x" * 512, "x" * 512),
        ("x" * 513, None),
        ("", None),
        ("a b", None),
        ("<script>", None),
        ("a\n", None),
        ("ü", None),
        (5, None),
        (None, None),
    ],
)
def test_identifiers(value: object, expected: str | None) -> None:
    """An identifier is at most 512 characters of those that URLs and cookies hold."""
    assert expected == clean_identifier(value)


def test_no_identifier_is_false() -> None:
    """Found identifiers are true, none are false."""
    assert not ClickIdentifiers()
    assert ClickIdentifiers({"aleid": "x"})
