"""Where a login leads: only to pages of the console itself."""

from __future__ import annotations

import re

_PAGE = re.compile(r"/console/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]*(?:\?[A-Za-z0-9_.~%&=+:-]{0,1000})?")
"""A path of plain names, with a query: no host, no backslash, no dots that lead upwards."""


def inside(text: str | None, otherwise: str) -> str:
    """Return the page when it is one of the console's, else the other one."""
    return text if text is not None and _PAGE.fullmatch(text) else otherwise
