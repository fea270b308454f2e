"""The invented people who buy in the demo: addresses under example.com, IP addresses of the documentation range."""

from __future__ import annotations

from dataclasses import dataclass

_PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.6 Mobile/15E148 Safari/604.1"
)
_DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A buyer with an address; `country` is the ISO 3166 code. Every value is invented."""

    first: str
    last: str
    street: str
    city: str
    zip: str
    country: str
    country_name: str
    phone: str
    ip: str
    browser: str

    @property
    def email(self) -> str:
        """The address, as a form would have got it: with capitals."""
        return f"{self.first}.{self.last}@example.com"


ADA = Person(
    first="Ada",
    last="Rowan",
    street="12 Elder Lane",
    city="Portland",
    zip="97205-1207",
    country="US",
    country_name="United States",
    phone="(503) 555-0142",
    ip="203.0.113.11",
    browser=_PHONE,
)
JONAS = Person(
    first="Jonas",
    last="Linde",
    street="Ulmenweg 3",
    city="Leipzig",
    zip="04109",
    country="DE",
    country_name="Germany",
    phone="0341 5550142",
    ip="203.0.113.12",
    browser=_DESKTOP,
)
YUI = Person(
    first="Yui",
    last="Asano",
    street="3-2-1 Midori",
    city="Kobe",
    zip="650-0001",
    country="JP",
    country_name="Japan",
    phone="078-555-0142",
    ip="203.0.113.13",
    browser=_PHONE,
)
NOOR = Person(
    first="Noor",
    last="Sabah",
    street="Block 4, Street 12",
    city="Salmiya",
    zip="22001",
    country="KW",
    country_name="Kuwait",
    phone="2220 0142",
    ip="203.0.113.14",
    browser=_DESKTOP,
)
# She left the telephone's field empty.
MARA = Person(
    first="Mara",
    last="Quill",
    street="8 Birch Road",
    city="Leeds",
    zip="LS1 4AP",
    country="GB",
    country_name="United Kingdom",
    phone="",
    ip="203.0.113.15",
    browser=_PHONE,
)
