"""One value of the environment, verbatim or from a mounted file."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.environment import VariableUnset, read_variable, resolve


def test_values_are_verbatim() -> None:
    """A value is taken as it is, with commas, blanks and dollars."""
    assert " a, b $C " == resolve("$NAME", {"NAME": " a, b $C "})
    assert "plain" == resolve("plain", {})
    assert "x$NAME" == resolve("x$NAME", {"NAME": "y"})


def test_mounted_files(tmp_path: Path) -> None:
    """The file that NAME_FILE names is read, and one trailing newline is cut; the variable itself comes first."""
    path = tmp_path / "secret"
    for content, value in (("s\n", "s"), ("s\n\n", "s\n"), ("s\r\n", "s"), (" s ", " s ")):
        path.write_bytes(content.encode())
        assert value == read_variable("NAME", {"NAME_FILE": str(path)})
    assert "own" == read_variable("NAME", {"NAME": "own", "NAME_FILE": str(path)})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "the variable NAME is not set"),
        ({"NAME": ""}, "the variable NAME is not set"),
        ({"NAME_FILE": "/no/such/file"}, r"the file that NAME_FILE names can't be read: No such file or directory"),
    ],
)
def test_unset(environment: dict[str, str], message: str) -> None:
    """What has no value says so, by name."""
    with pytest.raises(VariableUnset, match=message):
        resolve("$NAME", environment)


def test_empty_and_unreadable_files(tmp_path: Path) -> None:
    """An empty file and one that is no text have no value."""
    path = tmp_path / "secret"
    for content, message in ((b"\n", "names is empty"), (b"\xff", "can't be read: it is not UTF-8 text")):
        path.write_bytes(content)
        with pytest.raises(VariableUnset, match=message):
            read_variable("NAME", {"NAME_FILE": str(path)})


@pytest.mark.parametrize("text", ["${NAME}", "$NAME-x", "$", "$1"])
def test_a_dollar_is_a_name_alone(text: str) -> None:
    """What looks like a variable and is none would be a secret that fits nothing."""
    with pytest.raises(VariableUnset, match="must be a variable's name alone"):
        resolve(text, {"NAME": "x", "1": "y"})
