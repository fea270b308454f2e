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
    for content, value in (
        ("s\n", "s"),
        ("s\n\n", "s\n"),
        ("s\r\n", "s"),
        (" s ", " s "),
        ("s\r", "s\r"),
        ("a\r\nb", "a\r\nb"),
    ):
        path.write_bytes(content.encode())
        assert value == read_variable("NAME", {"NAME_FILE": str(path)})
    assert "own" == read_variable("NAME", {"NAME": "own", "NAME_FILE": str(path)})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "the variable NAME is not set"),
        ({"NAME": ""}, "the variable NAME is not set"),
        ({"NAME": "", "NAME_FILE": ""}, "the variable NAME is not set"),
        ({"OTHER": "x"}, "the variable NAME is not set"),
        ({"name": "x"}, "the variable NAME is not set"),
        ({"NAME_FILE": "/"}, "the file that NAME_FILE names can't be read: Is a directory"),
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


def test_an_empty_variable_leaves_the_place_to_its_file(tmp_path: Path) -> None:
    """A host that can't unset a variable may set it empty beside a mounted file."""
    (tmp_path / "secret").write_text("s", "utf-8")
    assert "s" == read_variable("NAME", {"NAME": "", "NAME_FILE": str(tmp_path / "secret")})


def test_the_path_is_never_shown() -> None:
    """Who mixes up NAME and NAME_FILE has put the secret itself there: the message doesn't repeat it."""
    with pytest.raises(VariableUnset) as caught:
        read_variable("NAME", {"NAME_FILE": "/canary"})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["A", "_a", "a_9", "SHOPIFY_WEBHOOK_SECRET"])
def test_names_of_variables(name: str) -> None:
    """A name is letters, digits and underscores, and begins with no digit."""
    assert "value" == resolve(f"${name}", {name: "value"})


def test_a_value_is_not_resolved_again() -> None:
    """A secret that looks like a name is a secret."""
    assert "$OTHER" == resolve("$NAME", {"NAME": "$OTHER", "OTHER": "x"})
