"""Mapping files are read, laid over their bases, and remember which file said what."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.shops.files import SHIPPED, FileRefused, merged, read_directory, read_file


@pytest.mark.parametrize(
    ("base", "own", "whole"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3, "z": 4}}, {"a": {"x": 1, "y": 3, "z": 4}}),
        ({"a": {"b": {"c": {"x": 1, "y": 2}}}}, {"a": {"b": {"c": {"y": 3}}}}, {"a": {"b": {"c": {"x": 1, "y": 3}}}}),
        ({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}),
        ({"a": [1]}, {"a": []}, {"a": []}),
        ({"a": 1, "b": 2}, {"a": ""}, {"b": 2}),
        ({"a": {"x": 1}, "b": 2}, {"a": ""}, {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": ""}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": 1}, {"b": ""}, {"a": 1, "b": ""}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": True}, {"a": False}, {"a": False}),
    ],
)
def test_merging(base: dict[str, Any], own: dict[str, Any], whole: dict[str, Any]) -> None:
    """Tables merge deeply, lists and leaves replace, an empty text removes a leaf or a whole table."""
    assert whole == merged(base, own)


def test_merging_changes_nothing() -> None:
    """Both files stay as they are: many shops are laid over one base."""
    base, own = {"a": {"x": [1], "y": 2}, "b": 3}, {"a": {"x": [2], "y": ""}, "b": ""}
    assert {"a": {"x": [2]}} == merged(base, own)
    assert ({"a": {"x": [1], "y": 2}, "b": 3}, {"a": {"x": [2], "y": ""}, "b": ""}) == (base, own)


def test_a_chain_of_three(folder: Any) -> None:
    """Every leaf remembers the last file that said it, over three files; lists come from one file whole."""
    folder.write("first", 'platform = "p"\n[orders]\nskip = ["test", "pos"]\nhold_seconds = 1\ncount = "paid"')
    folder.write("second", 'extends = "first"\n[orders]\nskip = ["b2b"]\nhold_seconds = 2')
    folder.write("third", 'extends = "second"\n[orders]\nhold_seconds = 3')
    file = read_file(folder.path / "third.toml")
    assert {"platform": "p", "orders": {"skip": ["b2b"], "hold_seconds": 3, "count": "paid"}} == file.document
    assert ("third", "mappings/third.toml") == (file.name, file.label)
    assert {
        "": "mappings/third.toml",
        "platform": "mappings/first.toml:1",
        "orders": "mappings/third.toml:2",
        "orders.skip": "mappings/second.toml:3",
        "orders.hold_seconds": "mappings/third.toml:3",
        "orders.count": "mappings/first.toml:5",
    } == {path: str(place) for path, place in file.origins.items()}


def test_origins_of_what_was_removed(folder: Any) -> None:
    """What a file removes or replaces whole leaves no trace of its base."""
    folder.write("base", 'secret = "x"\n[a]\nx = 1\n[b]\ny = 2\n[bb]\nz = 3')
    folder.write("own", 'extends = "base"\na = ""\nb = 5\n[secret]\nnew = "x"')
    file = read_file(folder.path / "own.toml")
    assert {"b": 5, "bb": {"z": 3}, "secret": {"new": "x"}} == file.document
    own, base = "mappings/own.toml", "mappings/base.toml"
    assert {
        "": own,
        "a": f"{own}:2",
        "b": f"{own}:3",
        "bb": f"{base}:6",
        "bb.z": f"{base}:7",
        "secret": f"{own}:4",
        "secret.new": f"{own}:5",
    } == {path: str(place) for path, place in file.origins.items()}


def shipped_line(beginning: str) -> int:
    """Return the number of the line of the shipped Shopify file that begins so."""
    lines = (SHIPPED / "shopify.toml").read_text("utf-8").splitlines()
    return 1 + next(index for index, line in enumerate(lines) if line.startswith(beginning))


def test_a_shipped_base_from_any_directory(folder: Any) -> None:
    """A folder without its own shopify.toml finds the one that comes with the project."""
    folder.write("acme", 'extends = "shopify"')
    file = read_file(folder.path / "acme.toml")
    assert "shopify" == file.document["platform"]
    line = shipped_line('dedupe_id        = "order.id"')
    assert f"mappings/shopify.toml:{line}" == str(file.origins["event.dedupe_id"])
    assert "extends" not in file.document


def test_a_neighbour_comes_before_a_shipped_file(folder: Any) -> None:
    """A base of one's own is preferred, and need not know the shipped one of the same name."""
    folder.write("shopify", 'platform = "mine"')
    folder.write("acme", 'extends = "shopify"')
    assert {"platform": "mine"} == read_file(folder.path / "acme.toml").document


def test_a_file_that_extends_its_own_name(folder: Any) -> None:
    """It means the shipped file: that is how /webhooks/shopify keeps its address with one's own changes."""
    folder.write("shopify", 'extends = "shopify"\n[orders]\nhold_seconds = 5')
    document = read_file(folder.path / "shopify.toml").document
    assert (5, 7) == (document["orders"]["hold_seconds"], document["orders"]["max_age_days"])


def test_a_shipped_file_that_extends_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the shipped folder the same name is the same file: a circle of one."""
    (tmp_path / "acme.toml").write_text('extends = "acme"', "utf-8")
    monkeypatch.setattr("adapter.shops.files.SHIPPED", tmp_path)
    with pytest.raises(FileRefused, match="extend each other in a circle: acme → acme") as caught:
        read_file(tmp_path / "acme.toml")
    assert "take one extends out" == caught.value.problem.hint


def test_a_circle_by_another_name(folder: Any) -> None:
    """A link to a file is that file: a circle through it is found too."""
    folder.write("a", 'extends = "b"')
    (folder.path / "b.toml").symlink_to(folder.path / "a.toml")
    with pytest.raises(FileRefused, match="circle: a → b"):
        read_file(folder.path / "a.toml")


def test_numbers_stay_exact(folder: Any) -> None:
    """A fraction in a table is a decimal with exactly its digits, a whole number stays one."""
    folder.write("acme", "[tables.t]\na = 0.1\nb = 1_000.10\nc = 187\nd = 1e3\ne = -0.0")
    rows = read_file(folder.path / "acme.toml").document["tables"]["t"]
    assert ["0.1", "1000.10", "187", "1E+3", "-0.0"] == [str(value) for value in rows.values()]
    assert [Decimal, Decimal, int, Decimal, Decimal] == [type(value) for value in rows.values()]


@pytest.mark.parametrize("number", ["nan", "-nan", "inf", "+inf", "-inf"])
def test_numbers_that_no_event_can_carry(folder: Any, number: str) -> None:
    """TOML knows numbers that JSON doesn't; they are refused when the file is read."""
    folder.write("acme", f"[tables.t]\na = {number}")
    with pytest.raises(FileRefused) as caught:
        read_file(folder.path / "acme.toml")
    expected = f"mappings/acme.toml: {number} is no number that an event can carry (write a number in digits)"
    assert expected == str(caught.value)


@pytest.mark.parametrize("stem", ["a", "0", "acme", "acme-2", "acme_2", "x" * 63])
def test_names_that_can_be_addresses(folder: Any, stem: str) -> None:
    """Small letters, digits, - and _ make an address, 63 of them at most."""
    folder.write(stem, "a = 1")
    assert stem == read_file(folder.path / f"{stem}.toml").name


@pytest.mark.parametrize("stem", ["Acme", "acme shop", "a.b", "-a", "_a", "ü", "x" * 64, "a%20b"])
def test_names_that_can_not(folder: Any, stem: str) -> None:
    """Anything else is refused before the file is opened."""
    with pytest.raises(FileRefused, match="the file's name becomes the shop's address, and this one can't"):
        read_file(folder.path / f"{stem}.toml")


def test_what_is_no_mapping_file(folder: Any) -> None:
    """Other endings and hidden files, which editors and macOS leave behind, are passed over."""
    for name in ("notes.txt", "acme.toml.bak", ".acme.toml", "._acme.toml", "acme.TOML~"):
        (folder.path / name).write_text("=", "utf-8")
    folder.write("b", "x = 1")
    folder.write("a", "x = 1")
    files, problems = read_directory(folder.path)
    assert (["a", "b"], []) == ([file.name for file in files], problems)


def test_the_good_files_are_read_beside_the_bad(folder: Any) -> None:
    """A file that can't be read doesn't hide the others."""
    folder.write("a", "=")
    folder.write("b", "x = 1")
    (folder.path / "c.toml").symlink_to(folder.path / "absent")
    files, problems = read_directory(folder.path)
    assert ["b"] == [file.name for file in files]
    assert ["mappings/a.toml", "mappings/c.toml"] == [problem.where for problem in problems]
    assert "the file can't be read: No such file or directory" == problems[1].message


def test_an_empty_directory(folder: Any) -> None:
    """A directory without any mapping file says what to put there."""
    _, (problem,) = read_directory(folder.path)
    assert (
        f"{folder.path}: there is no mapping file (*.toml) here"
        " (copy mappings/shopify.toml or mappings/woocommerce.toml there)"
    ) == str(problem)


def test_a_file_for_a_directory(tmp_path: Path) -> None:
    """MAPPINGS_DIR is a folder, not a file in it."""
    path = tmp_path / "acme.toml"
    path.write_text("x = 1", "utf-8")
    _, (problem,) = read_directory(path)
    hint = "set MAPPINGS_DIR to the folder with the mapping files"
    assert f"{path}: the mapping files can't be read: Not a directory ({hint})" == str(problem)


def test_labels_in_the_current_directory(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The label has the folder's name also when the folder is given as a dot."""
    folder.write("acme", "x = 1")
    monkeypatch.chdir(folder.path)
    (file,), _ = read_directory(Path())
    assert "mappings/acme.toml" == file.label


def test_bases_are_suggested(folder: Any) -> None:
    """A mistyped base is guessed from the neighbours and the shipped files; the file itself is none of them."""
    folder.write("common", "x = 1")
    folder.write("acme", 'extends = "comon"')
    folder.write("other", 'extends = "zzzz"')
    _, problems = read_directory(folder.path)
    assert ['did you mean "common"?', "known: acme, common, shopify, woocommerce"] == [
        problem.hint for problem in problems
    ]


def test_circles_with_one_name_of_a_shipped_file(folder: Any) -> None:
    """Only a file's own name means the shipped one: through a second file it is a circle like any other."""
    folder.write("shopify", 'extends = "acme"')
    folder.write("acme", 'extends = "shopify"')
    with pytest.raises(FileRefused, match="circle: acme → shopify → acme"):
        read_file(folder.path / "acme.toml")


def test_a_base_is_read_once(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty shops on one base read it once: its text, its lines and its own bases."""
    folder.write("common", 'extends = "shopify"\n[orders]\nhold_seconds = 5')
    for number in range(20):
        folder.write(f"shop{number}", f'extends = "common"\nsite_url = "https://shop{number}.example"')
    read: list[str] = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path.name), whole(path))[1])
    files, problems = read_directory(folder.path)
    assert (21, []) == (len(files), problems)
    assert sorted(read) == sorted({*read})
    assert {f"https://shop{number}.example" for number in range(20)} == {
        file.document["site_url"] for file in files if file.name != "common"
    }
