"""Every error raised on purpose, named by the fact it states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class AdapterError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration, and what to do about it.

    `where` is the file or variable, `path` the key inside it (may be empty), `hint` the way out (may be empty).
    """

    where: str
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.path}" if self.path else self.where
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationRefused(AdapterError):
    """The settings or mapping files can't be used; carries every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SignatureRefused(AdapterError):
    """The webhook isn't signed with a secret of this shop. `hint` says what to change, never the expected value."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


class OrderUnreadable(AdapterError):
    """The body can't be read as an order of its platform; the message says what is wrong and where."""


class MappingFailed(AdapterError):
    """An expression of the mapping failed on one order."""

    def __init__(self, target: str, expression: str, reason: str) -> None:
        self.target = target
        self.expression = expression
        self.reason = reason
        super().__init__(f"{target} = {expression}: {reason}")


class StorageUnavailable(AdapterError):
    """The database can't take or give rows right now; trying again later is right."""


class SealBroken(AdapterError):
    """A stored value can't be opened: its key is unknown here, or the value isn't what was sealed."""
