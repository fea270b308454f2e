"""One value of the environment: verbatim, or from the mounted file that `NAME_FILE` names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from adapter.errors import AdapterError, Problem

_REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


class VariableUnset(AdapterError):
    """A variable has no value; the message says so, and never shows a value or a file's path.

    Not the path either: who mixes up NAME and NAME_FILE has put the secret itself there.
    """


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """Return the text itself, or, when it is a `$NAME`, the value of that variable; raise `VariableUnset`.

    `NAME_FILE` names a mounted secret's file, whose one trailing newline is cut. An empty value counts as unset.
    Any other text that starts with `$` is refused: `${NAME}` taken verbatim would be a secret that fits nothing.
    """
    if not text.startswith("$"):
        return text
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise VariableUnset("a text that starts with $ must be a variable's name alone, like $NAME without braces")
    return read_variable(match[1], environment)


def read_variable(name: str, environment: Mapping[str, str]) -> str:
    """Return the value of `NAME`, or what stands in the file that `NAME_FILE` names; raise `VariableUnset`."""
    if value := environment.get(name):
        return value
    path = environment.get(f"{name}_FILE")
    if not path:
        raise VariableUnset(f"the variable {name} is not set")
    if value := _without_newline(_read(name, path)):
        return value
    raise VariableUnset(f"the file that {name}_FILE names is empty")


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_bytes().decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    raise VariableUnset(f"the file that {name}_FILE names can't be read: {reason}")


def _without_newline(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


class VariableReader:
    """Reads one variable after the other, and collects in `problems` what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._environment = environment

    def _problem(self, name: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(name, "", message, hint))

    def _text(self, name: str) -> str | None:
        """Return the value, None when it is unset; a `NAME_FILE` that can't be read is a problem."""
        try:
            return read_variable(name, self._environment)
        except VariableUnset as reason:
            if self._environment.get(f"{name}_FILE"):
                self._problem(name, str(reason), "mount the file, or set the variable itself")
            return None
