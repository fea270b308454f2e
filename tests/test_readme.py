"""The README tells the truth: its commands exist, its tables are complete, its mapping file loads."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from adapter.cli import cli
from adapter.platforms.registry import PLATFORMS
from adapter.purchase import names
from adapter.purchase.expressions import ExactFunctions
from adapter.shops.load import load_shops

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    """Return every command of the shell blocks, and of the text, that starts with adapter or make."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    lines += re.findall(r"`((?:adapter|make) [^`…]+)`", README)
    return [shlex.split(line) for line in lines if line.startswith(("adapter ", "make "))]


def test_every_command_exists() -> None:
    """Each `adapter …` is a command with those options; each `make …` is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for program, name, *arguments in commands():
        if program == "make":
            assert name in targets
            continue
        command = cli.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_the_table_of_variables() -> None:
    """Every variable that is read is in a table, and no other."""
    readers = ("settings.py", "alerts/channels.py")
    source = "".join((ROOT / "adapter" / reader).read_text("utf-8") for reader in readers)
    read = set(re.findall(r'self\._(?:text|whole|boolean)\("([A-Z_]+)"', source))
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert read == listed


def test_the_mapping_file_loads(tmp_path: Path) -> None:
    """The example is a mapping file without a problem, and takes away the line that it says it does."""
    (example,) = blocks("toml")
    assert tomllib.loads(example)
    (tmp_path / "acme.toml").write_text(example, "utf-8")
    environment = {
        "ACME_SECRET": "s" * 32,
        "ACME_OLD_SECRET": "t" * 32,
        "ACME_PIXEL_ID": "pixel",
        "AXON_API_KEY": "key",
    }
    shop = load_shops(tmp_path, environment, PLATFORMS, "https://api.example/").get("acme")
    assert shop is not None
    assert shop.is_on
    assert "phone" not in {leaf.name for leaf in shop.rules.mapping.leaves["event.user_data"]}


@pytest.mark.parametrize("name", [*names.PURCHASE, *names.ITEM])
def test_every_name_is_listed(name: str) -> None:
    """The README lists each name that a mapping may use."""
    assert f"`{name}`" in README or f"`…{name[name.index('_') :]}`" in README


@pytest.mark.parametrize("name", ["attribute", "query", "complete", "lookup", "digits", "unescape"])
def test_our_functions_are_listed(name: str) -> None:
    """The README lists the functions of our own, and they exist."""
    assert f"`{name}(" in README
    assert name in ExactFunctions.FUNCTION_TABLE


def test_the_procfile() -> None:
    """The three processes are the ones that the README names."""
    assert ["release: adapter migrate", "worker: adapter deliver"] == [
        line for line in (ROOT / "Procfile").read_text().splitlines() if not line.startswith("web: gunicorn ")
    ]


def test_the_map_of_the_house() -> None:
    """Every module and folder at the top of the package stands in the README's map."""
    (picture,) = [block for block in blocks("text") if block.startswith("adapter/")]
    top = {path.stem for path in (ROOT / "adapter").iterdir() if not path.name.startswith("_")}
    assert top <= {word.rstrip("/").removesuffix(".py") for word in re.findall(r"[a-z]+(?:/|\.py)", picture)}
