"""Every error raised on purpose, named by the fact it states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class AdapterError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration, and what to do about it.

    `where` is the file or variable, `path` the key inside it (may be empty), `hint` the way out (may be empty),
    `line` the line of the file (0 when no single line is wrong). `excerpt` shows the wrong text on lines of its own.
    """

    where: str
    path: str
    message: str
    hint: str = ""
    line: int = 0
    excerpt: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.path}" if self.path else self.where
        hint = f" ({self.hint})" if self.hint else ""
        # The line stands last: whoever looks for a file's path and message finds them as ever.
        line = f" (line {self.line})" if self.line else ""
        return f"{place}: {self.message}{hint}{line}" + (f"\n{self.excerpt}" if self.excerpt else "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said: a file, and the line in it that says so; 0 when no single line does."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that is written as a file, or as a file, a colon and a line."""
        file, _, line = text.rpartition(":")
        return cls(file, int(line)) if file and line.isdecimal() else cls(text)

    def problem(self, path: str, message: str, hint: str = "", excerpt: str = "") -> Problem:
        """Return that something is wrong here, with the key `path`."""
        return Problem(self.file, path, message, hint, self.line, excerpt)


def place_of(path: str, places: Mapping[str, Place]) -> Place:
    """Return where it is said what stands at the dotted path, else at the nearest table above it; "" is the file."""
    while path and path not in places:
        path = path.rpartition(".")[0]
    return places.get(path, Place(""))


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


class StorageBusy(StorageUnavailable):
    """Others go first just now, and it would have taken too long to wait for them."""


class SealBroken(AdapterError):
    """A stored value can't be opened: its key is unknown here, or the value isn't what was sealed."""


class OrderNotRetried(AdapterError):
    """The order can't be made due again; the message says why, and what to do instead."""


class OrderNotGivenUp(AdapterError):
    """The order can't be given up; the message says why."""


class NothingToResume(AdapterError):
    """The shop has no destination that could be paused; the message says what it lacks."""


class AlertsNotTold(AdapterError):
    """A message didn't arrive where alerts go; the words say why, and hold no secret."""
