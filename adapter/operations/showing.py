"""Sentences and values on a screen of 80 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

WIDTH = 80
WITHIN = 44
"""How wide a value may be in the middle of a sentence."""


def wrapped(text: str, first: str = "", further: str = "") -> Iterator[str]:
    """Yield a text in lines that fit, with what stands before its first line and before each further one."""
    filled = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=further, break_on_hyphens=False)
    yield from filled or [first.rstrip()]


def shown(value: Any, width: int = WITHIN) -> str:  # noqa: ANN401  # JSON can be anything.
    """Return a value on one line of at most this width; when it is cut off, with its length; – for nothing."""
    match value:
        case None | "":
            return "–"
        case Decimal():
            text = f"{value:f}"
        case bool() | list() | dict():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    if len(text) <= width:
        return text
    length = f"… ({len(text)} characters)"
    return text[: max(width - len(length), 1)] + length
