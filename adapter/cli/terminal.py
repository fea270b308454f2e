"""What every command says, and how: lines for people, one document for programs, and the end with 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import NoReturn

import click


def exit_with(message: str) -> NoReturn:
    """Say on stderr what is wrong, and end with 1."""
    click.echo(message, err=True)
    sys.exit(1)


def show(lines: Iterable[str]) -> None:
    """Print lines for people. What a buyer typed may hold escape sequences, which would command the terminal."""
    for line in lines:
        click.echo(
            "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
        )


def show_json(document: object) -> None:
    """Print one JSON document for programs."""
    click.echo(json.dumps(document, ensure_ascii=False))
