"""Every mistake in a mapping file is named with its file, its path and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

INVALID = Path(__file__).resolve().parents[1] / "mappings" / "invalid"
FILES = sorted(INVALID.glob("*.toml"))
VALID = sorted((INVALID.parent / "valid").glob("*.toml"))


def expected(text: str) -> list[str]:
    """Return the problems that a file says it has."""
    prefix = "# expect: "
    return [line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)]


def test_there_are_files() -> None:
    """The folder isn't empty, and each file says what is wrong with it."""
    assert len(FILES) >= 40
    assert all(expected(path.read_text("utf-8")) for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_each_file(folder: Any, path: Path) -> None:
    """A file has exactly the problems that it says it has."""
    folder.copy(path)
    assert sorted(expected(path.read_text("utf-8"))) == sorted(folder.problems())


def test_ten_mistakes_are_ten_problems() -> None:
    """The file with ten mistakes expects all ten: one look is enough to correct it."""
    assert 10 == len(expected((INVALID / "ten-mistakes.toml").read_text("utf-8")))


@pytest.mark.parametrize("path", VALID, ids=[path.stem for path in VALID])
def test_each_valid_file(folder: Any, path: Path) -> None:
    """A file without a mistake becomes a shop that takes orders and sends them."""
    folder.copy(path)
    shop = folder.load().get(path.stem)
    assert (True, ()) == (shop.is_on, shop.notices)
    assert shop.destination is not None


def test_other_encodings(folder: Any) -> None:
    """A file that isn't UTF-8 says so; a byte order mark doesn't matter."""
    (folder.path / "latin.toml").write_bytes('# Schön\nextends = "shopify"'.encode("latin-1"))
    assert ["mappings/latin.toml: the file is not UTF-8 text (save it as UTF-8)"] == folder.problems()
    (folder.path / "latin.toml").write_bytes('# Schön\nextends = "shopify"'.encode("utf-8-sig"))
    assert ["latin"] == [shop.name for shop in folder.load()]


def test_names_of_files(folder: Any) -> None:
    """The file's name is an address: only letters that need no escaping."""
    folder.write("Acme Shop", 'extends = "shopify"')
    message = "mappings/Acme Shop.toml: the file's name becomes the shop's address, and this one can't"
    hint = "use at most 63 of a-z, 0-9, - and _, first a letter or digit, like acme.toml"
    assert [f"{message} ({hint})"] == folder.problems()


def test_a_folder_in_place_of_a_file(folder: Any) -> None:
    """What can't be read says why."""
    (folder.path / "acme.toml").mkdir()
    assert ["mappings/acme.toml: the file can't be read: Is a directory"] == folder.problems()
