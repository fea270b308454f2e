"""Cleaning and hashing what identifies a buyer."""

from __future__ import annotations

import pytest

from adapter.purchase.identity import (
    COUNTRIES,
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
        ("97205 1234", "US", "97205"),
        ("97205-123", "US", "97205"),
        ("00901-1234", "PR", "00901"),
        ("9720", "US", None),
        ("972051", "US", "97205"),
        ("97205-1234", "MX", "97205-1234"),
        ("97205-1234", None, "97205-1234"),
        (" SW1A 1AA ", "GB", "SW1A 1AA"),
        ("   ", "US", None),
        ("K1A 0B1", "CA", "K1A 0B1"),
        ("ABC", "US", None),
        ("x" * 16, "GB", "x" * 16),
        ("x" * 17, "GB", None),
        ("", "US", None),
        (None, None, None),
    ],
)
def test_zips(text: str | None, country: str | None, expected: str | None) -> None:
    """A US zip is its first five digits, or none; others stay, unless they are far too long for one."""
    assert expected == clean_zip(text, country)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("de", "DE"), (" US ", "US"), ("pr", "PR"), ("AQ", "AQ"), ("USA", None), ("Germany", None), ("", None)),
        *((None, None), ("XX", None), ("ZZ", None), ("UK", None), ("XK", None), ("AC", None), ("EU", None)),
    ],
)
def test_countries(text: str | None, expected: str | None) -> None:
    """A country is a code of ISO 3166-1 in capital letters, or nothing."""
    assert expected == clean_country(text)


# Typed from ISO 3166-1's list of officially assigned alpha-2 codes.
ISO_3166 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)


def test_the_list_of_countries() -> None:
    """It is the standard's, whatever a new version of phonenumbers adds or drops."""
    assert set(ISO_3166.split()) == set(COUNTRIES)
    assert 249 == len(COUNTRIES)


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


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("06 12 34 56 78", "FR", "33612345678"),
        ("02 1234 5678", "IT", "390212345678"),
        ("(11) 91234-5678", "BR", "5511912345678"),
        ("098765 43210", "IN", "919876543210"),
        ("0412 345 678", "AU", "61412345678"),
        ("07700 900123", "GB", "447700900123"),
        ("(604) 555-0199", "CA", "16045550199"),
        ("044 668 18 00", "CH", "41446681800"),
        ("06-12345678", "NL", "31612345678"),
        ("9123 4567", "SG", "6591234567"),
        ("0301 1234567", "PK", "923011234567"),
        ("5035550142", "US", "15035550142"),
        ("1 (503) 555-0142", "US", "15035550142"),
        ("503.555.0142 ext. 7", "US", "15035550142"),
        ("011 49 341 5550142", "US", "493415550142"),
        ("+49 341 5550142", "US", "493415550142"),
        ("\t+1-503-555-0142 ", "DE", "15035550142"),
        (
            "\uff10\uff13\uff0d\uff15\uff15\uff15\uff10\uff0d\uff10\uff11\uff14\uff12",
            "JP",
            "81355500142",
        ),  # Full-width digits.
        ("+81 3-5550-0142", "XX", "81355500142"),
        ("+11234567890", None, "11234567890"),
    ],
)
def test_phones_of_many_countries(text: str, country: str | None, expected: str) -> None:
    """However a country writes its numbers, they become digits with the country's code (Italy keeps its zero)."""
    assert expected == clean_phone([PhoneNumber(text=text, country_code=country)])


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("555-0142", "US"),  # Without an area code: a "1" in front would make it somebody else's.
        ("911", "US"),
        ("+1 503 555 01425555", None),
        ("+999 123 456 789", None),
        ("5035550142", "XX"),
        ("5035550142", "Germany"),
        ("call me", "US"),
        ("+", "US"),
        ("1" * 300, "US"),
        (HASH[:-1], None),
    ],
)
def test_impossible_phones(text: str, country: str | None) -> None:
    """What can't be a whole number in its country is dropped: a wrong hash would be somebody else's."""
    assert clean_phone([PhoneNumber(text=text, country_code=country)]) is None


def test_the_fact_sheets_phone_vector() -> None:
    """The page's raw "+11234567890" gives the hash of its digits, not of its plus sign."""
    expected = "cf14fe3c9d73fcb3574d2643988efb2db605b1c224725bd322d7d2350467b4dc"
    assert expected == hashed(clean_phone([PhoneNumber(text="+11234567890", country_code=None)]))
    assert expected == hashed(clean_phone([PhoneNumber(text="(123) 456-7890", country_code="US")]))


def test_the_fact_sheets_email_vector() -> None:
    """However the address was typed, its hash is the one of its lower case; no dot or tag is removed."""
    assert HASH == hashed(clean_email(["\n USER@example.com\t"]))
    assert "a.b+tag@example.com" == clean_email(["A.B+tag@example.com"])


@pytest.mark.parametrize(
    "text", ["user@localhost", "user@example.com.", "a@b@example.com", "Ada <a@example.com>", "@"]
)
def test_impossible_emails(text: str) -> None:
    """What can't be an address is dropped."""
    assert clean_email([text]) is None


def test_identifiers_characters() -> None:
    """Of ASCII, letters, digits and a few signs of URLs and cookies pass; quotes, separators and controls don't."""
    passing = {chr(code) for code in range(128) if clean_identifier(chr(code))}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert set(letters + "0123456789" + "!%*+-./:=@_|~") == passing


@pytest.mark.parametrize("value", [True, 1.5, b"x", ["x"], {"a": "x"}, "a\x00", " x", "x ", "٣", "\ud800"])
def test_odd_identifiers(value: object) -> None:
    """Other kinds of JSON, blanks, controls and other scripts are no identifier."""
    assert clean_identifier(value) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9, 10.0.0.1", None),
        ("203.0.113.9:443", None),
        ("203.0.113.009", None),
        ("[2001:db8::1]", None),
        ("unknown", None),
        ("::FFFF:10.0.0.1", "10.0.0.1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("\n2001:db8::2\n", "2001:db8::2"),
        ("%eth0", None),
    ],
)
def test_odd_addresses(text: str, expected: str | None) -> None:
    """Lists, ports, brackets and leading zeros make no address; an IPv6 one is written short."""
    assert expected == clean_ip(text)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("192.0.2.1", True),
        ("198.51.100.1", True),
        ("2001:db8::5", True),
        ("2606:4700::1111", True),
        ("192.168.0.1", False),
        ("172.16.0.1", False),
        ("169.254.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # An address to be judged, nothing listens on it.
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
    ],
)
def test_addresses_a_buyer_can_have(address: str, public: bool) -> None:
    """Private, shared, link-local and unspecified addresses can't be a buyer's; documentation's stand in for one."""
    assert public is is_public_ip(address)
