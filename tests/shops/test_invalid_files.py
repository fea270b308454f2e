"""Every mistake in a mapping file is named with its file, its path and the way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

INVALID = Path(__file__).resolve().parents[1] / "mappings" / "invalid"
FILES = sorted(INVALID.glob("*.toml"))
VALID = sorted((INVALID.parent / "valid").glob("*.toml"))


def expected(text: str) -> list[str]:
    """Return the problems that a file says it has; what is shown below one follows it as `# below: …`."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("# expect: "):
            found.append(line.removeprefix("# expect: "))
        elif line.startswith("# below: "):
            found[-1] += "\n" + line.removeprefix("# below: ")
    return found


def mistake(path: Path) -> str:
    """Return what is wrong in a file, without its name and its lines: the same mistake in two files is one."""
    texts = sorted(problem.replace(path.stem, "…") for problem in expected(path.read_text("utf-8")))
    return re.sub(r" \(line [0-9]+\)", "", "\n".join(texts))


def test_there_are_files() -> None:
    """There are more than a hundred files, each with other mistakes, and each says what is wrong with it."""
    assert len({mistake(path) for path in FILES}) >= 100
    assert all(expected(path.read_text("utf-8")) for path in FILES)


def test_width() -> None:
    """The expression with its caret fits a terminal of 80 columns, however long it is."""
    shown = [line for path in FILES for text in expected(path.read_text("utf-8")) for line in text.splitlines()[1:]]
    assert len(shown) >= 30
    assert max(map(len, shown)) <= 80


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
