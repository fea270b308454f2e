"""Addresses of landing pages as the platforms keep them: not always whole, so that an identifier in one may not be.

Shopify ends `landing_site` after 255 characters, in the middle of its last parameter (seen on live shops, not
documented; whether characters or bytes are counted isn't known either). WooCommerce passes the addresses of its order
attribution through WordPress's `sanitize_text_field`, which deletes every %xx: of `Cj0KCQ%2Bx` it keeps `Cj0KCQx`.
"""

from __future__ import annotations

_LONGEST = 255
_LONGEST_CHARACTER = 4
_SHORTEST_RANDOM = 16
_BASE64_GROUP = 4


def whole_query(address: str) -> str:
    """Return the query of an address, without the parameter at its end when the address may have been cut off there.

    >>> whole_query("/p?a=1&aleid=x#top")
    'a=1&aleid=x'
    >>> whole_query("/p?aleid=x&b=" + "y" * 242)
    'aleid=x'
    """
    page, hash_, _ = address.partition("#")
    query = page.partition("?")[2]
    return query.rpartition("&")[0] if not hash_ and _may_be_cut(address) else query


def _may_be_cut(address: str) -> bool:
    if not address.startswith("/"):
        return len(address) == _LONGEST
    # A path as Shopify keeps it. A cut within a character would leave out all of its bytes.
    size = len(address.encode(errors="replace"))
    return size >= _LONGEST or (not address.isascii() and size > _LONGEST - _LONGEST_CHARACTER)


def has_gaps(identifier: str) -> bool:
    """Whether an identifier looks like one that has lost its +, / and =, which an address carries as %2B, %2F and %3D.

    That is base64: letters of both cases, nothing that stands for + and /, and a length that base64 never has. Other
    identifiers (UUIDs, hex, base64 made for addresses) have no characters to lose. What is left of an escape is a gap.

    Of damaged base64 one in seven passes: it has lost four characters, or eight. Nothing tells it from an identifier
    of letters and digits alone that never had others: to refuse it would be to refuse every such one of its length.

    >>> [has_gaps(text) for text in ("Zm9vYmFyIGJhciBmb28x", "Zm9vYmFyIGJhciBmb28", "Zm9vYmFyIGJhciBm-28", "click-1")]
    [False, True, False, False]
    """
    if "%" in identifier:
        return True
    is_plain = identifier.isalnum() and identifier not in (identifier.lower(), identifier.upper())
    return is_plain and len(identifier) >= _SHORTEST_RANDOM and len(identifier) % _BASE64_GROUP != 0
