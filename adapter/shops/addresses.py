"""The addresses in a mapping file: a shop's site, an origin as browsers write it, the domain of cookies."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_site(text: str) -> bool:
    """Whether the text is the address of a shop: http or https, a host, maybe a port and a path, nothing else."""
    return _site(text) is not None


def is_plain_http(text: str) -> bool:
    """Whether the address is one that travels in clear."""
    site = _site(text)
    return site is not None and site.scheme == "http"


def origin_of_site(text: str) -> str | None:
    """Return the origin of an address, exactly as a browser sends it in `Origin`; None when it is no address.

    The host is in lower case and in ASCII, the scheme's own port and the path are left out: RFC 6454, section 6.2.
    """
    site = _site(text)
    if site is None:
        return None
    host = site.hostname or ""
    port = "" if site.port in (None, _DEFAULT_PORTS[site.scheme]) else f":{site.port}"
    try:
        return f"{site.scheme}://{f'[{host}]' if ':' in host else host.encode('idna').decode()}{port}"
    except UnicodeError:
        return None


def domain_of(text: str) -> str | None:
    """Return the domain for cookies, in lower case and without a leading dot; None when the text is no domain."""
    domain = text.lower().removeprefix(".")
    return domain if _DOMAIN.fullmatch(domain) else None


def without_password(text: str) -> str:
    """Return the address as a message may show it."""
    return re.sub(r"//.*@", "//…@", text)


def _site(text: str) -> SplitResult | None:
    if re.search(r"[\s@?#]", text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port  # Raises when it is no number.
    except ValueError:
        return None
    return parts if parts.scheme in _DEFAULT_PORTS and parts.hostname else None
