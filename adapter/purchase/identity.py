"""Who the buyer is and which click brought them: cleaning, hashing and finding identifiers.

Rules of the Conversion API's page: e-mail and phone are hashed with SHA-256 (ours or theirs), a phone number is
digits with its country code and without "+", a US zip has five digits, a user id at least six characters.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

import phonenumbers
from msgspec import Struct, field

from adapter.purchase.order import PhoneNumber

CLICK_FIELDS = ("aleid", "alart", "axwrt", "client_id", "sid")
"""The identifiers that a browser can carry, in Axon's spelling."""

SHORTEST_USER_ID = 6
LONGEST_IDENTIFIER = 512

# phonenumbers counts Ascension, Tristan da Cunha and Kosovo among the regions, whose codes are none of ISO 3166's, and
# leaves out the seven territories where nobody has a telephone.
COUNTRIES = phonenumbers.SUPPORTED_REGIONS - {"AC", "TA", "XK"} | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
"""The 249 codes of ISO 3166-1 alpha-2."""

_HASHED = re.compile(r"[0-9A-Fa-f]{64}")
# A dot may stand anywhere before the "@": Japanese carriers gave out such addresses. Letters may be of any script.
_EMAIL = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,63})"
)
_LONGEST_EMAIL = 254
_UP_TO_A_LETTER = re.compile(r"[+\uff0b\d][\W\d_]*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._~:|+/=!*@%-]+")
_US_ZIP = re.compile(r"([0-9]{5})(?:[- ]?[0-9]{0,4})?")
_WITH_US_ZIPS = frozenset(("US", "PR", "GU", "VI", "AS", "MP"))
"""The United States and the territories that their post serves."""
_LONGEST_ZIP = 16


class ClickIdentifiers(Struct, frozen=True):
    """The identifiers found for one order, for each one the expression that found it, and what failed on the way."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether any identifier was found."""
        return bool(self.values)


def clean_identifier(value: object) -> str | None:
    """Return the identifier when it can be one: text of a URL's or cookie's characters, at most 512; else None."""
    if not isinstance(value, str) or len(value) > LONGEST_IDENTIFIER:
        return None
    return value if _IDENTIFIER.fullmatch(value) else None


def clean_email(candidates: Iterable[str]) -> str | None:
    """Return the first usable e-mail address, trimmed and in lower case; a SHA-256 hash passes as it is."""
    for candidate in candidates:
        address = _visible(candidate).strip().lower()
        if _HASHED.fullmatch(address) or (len(address) <= _LONGEST_EMAIL and _EMAIL.fullmatch(address)):
            return address
    return None


def _visible(text: str) -> str:
    """Return the text composed as browsers send it, without the marks that nobody sees and that pasting brings in."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(character for character in composed if unicodedata.category(character) != "Cf")


def clean_phone(candidates: Iterable[PhoneNumber]) -> str | None:
    """Return the first number that can be one, as digits with country code; a SHA-256 hash passes as it is."""
    return next((number for candidate in candidates if (number := _clean_number(candidate))), None)


def _clean_number(candidate: PhoneNumber) -> str | None:
    text = _visible(candidate.text).strip()
    if _HASHED.fullmatch(text):
        return text.lower()
    # Up to the next letter: phonenumbers would dial a note behind the number, as in 1-800-FLOWERS.
    digits = _UP_TO_A_LETTER.search(text)
    country = (candidate.country_code or "").strip().upper() or None
    return _digits_with_country_code(digits[0], country) if digits else None


@lru_cache(maxsize=1024)
def _digits_with_country_code(text: str, country_code: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country_code)
    except phonenumbers.NumberParseException:
        return None
    # Seven digits without an area code are possible only locally: with a country code in front they'd be another's.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if len(set(str(number.national_number))) == 1:  # 0000000000 is typed where a number is asked for.
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def hashed(value: str | None) -> str | None:
    """Return the SHA-256 of the value as 64 hex digits in lower case; a value that is a hash already stays."""
    if value is None:
        return None
    if _HASHED.fullmatch(value):
        return value.lower()
    return hashlib.sha256(value.encode()).hexdigest()


def clean_zip(text: str | None, country_code: str | None) -> str | None:
    """Return the zip code, None when it can't be one; in the United States only its first five digits."""
    zip_code = (text or "").strip()
    if country_code in _WITH_US_ZIPS:
        match = _US_ZIP.fullmatch(zip_code)
        return match[1] if match else None
    return zip_code if 0 < len(zip_code) <= _LONGEST_ZIP else None


def clean_country(text: str | None) -> str | None:
    """Return an ISO 3166 alpha-2 code in upper case, or None when it is none."""
    code = (text or "").strip().upper()
    return code if code in COUNTRIES else None


def clean_user_id(text: str | None) -> str | None:
    """Return the customer id when it has the six characters that Axon asks for, else None."""
    return text if text and len(text) >= SHORTEST_USER_ID else None


@lru_cache(maxsize=1024)
def clean_ip(text: str | None) -> str | None:
    """Return the address in its usual spelling, an IPv4 address mapped into IPv6 as IPv4; None when it is none.

    The zone of an address (fe80::1%eth0) means something on one machine only, and is cut.
    """
    try:
        address = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@lru_cache(maxsize=1024)
def is_public_ip(text: str) -> bool:
    """Whether the address can belong to a buyer: not private, loopback or reserved (documentation ranges pass)."""
    address = ipaddress.ip_address(text)
    return address.is_global or any(
        address.version == network.version and address in network for network in _DOCUMENTATION
    )


_DOCUMENTATION = tuple(
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
