"""Sites, origins and domains of cookies."""

from __future__ import annotations

import pytest

from adapter.shops.addresses import domain_of, is_plain_http, is_site, origin_of_site


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example:443/de/", "https://shop.example"),
        ("http://shop.example:8080", "http://shop.example:8080"),
        ("https://[2001:db8::1]:444", "https://[2001:db8::1]:444"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://" + "x" * 64 + ".example", None),
        ("shop.example", None),
        ("ftp://shop.example", None),
        ("https://", None),
        ("https://user@shop.example", None),
        ("https://shop.example?x", None),
        ("https://shop example", None),
        ("https://shop.example:port", None),
        ("https://[", None),
    ],
)
def test_origins(text: str, origin: str | None) -> None:
    """An origin is exactly what a browser sends: scheme, host in ASCII and lower case, no default port, no path."""
    assert origin == origin_of_site(text)


def test_sites() -> None:
    """A site is an http or https address; http travels in clear."""
    assert is_site("https://shop.example/de")
    assert not is_site("shop.example")
    assert is_plain_http("http://shop.example")
    assert not is_plain_http("https://shop.example")
    assert not is_plain_http("shop.example")


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("shop.example", "shop.example"),
        (".Shop.Example", "shop.example"),
        ("example", None),
        ("https://shop.example", None),
        ("", None),
    ],
)
def test_domains(text: str, domain: str | None) -> None:
    """A domain has at least two labels, and loses its leading dot."""
    assert domain == domain_of(text)
