"""Which line of a mapping file says what, whatever form TOML gives it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.shops.lines import line_at, lines_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ("# only a comment\n\n", {}),
        ("a = 1", {"a": 1}),
        ("\n\n# x\na = 1\nb = 2\n", {"a": 4, "b": 5}),
        ("a.b.c = 1\na.b.d = 2", {"a": 1, "a.b": 1, "a.b.c": 1, "a.b.d": 2}),
        ("[t]\na = 1\n[t.u]\nb = 2", {"t": 1, "t.a": 2, "t.u": 3, "t.u.b": 4}),
        ("[t.u]\nb = 1\n[t]\na = 2", {"t": 1, "t.u": 1, "t.u.b": 2, "t.a": 4}),
        (' [ "t"."u v" ] # c\n \'b\' = 1', {"t": 1, "t.u v": 1, "t.u v.b": 2}),
        ('["t#]"]\n"a=" = 1\n"" = 2', {"t#]": 1, "t#].a=": 2, "t#].": 3}),
        ("[[t]]\na = 1\n[[t]]\nb = 2\n[u]\nc = 3", {"t": 1, "t.a": 2, "t.b": 4, "u": 5, "u.c": 6}),
        ("a = { x = 1, y = { z = 2 } }\nb = 3", {"a": 1, "b": 2}),
        ("a = { x = 1 }\nb = {}", {"a": 1, "a.x": 1, "b": 2}),
        ("a = [\n  1, # ]\n  [2,\n 3],\n]\nb = 4", {"a": 1, "b": 6}),
        ('a = [ "]", \'[\', "\\"]" ]\nb = 4', {"a": 1, "b": 2}),
        ('a = """\nb = 1\n[t]\n"""\nc = 2', {"a": 1, "c": 5}),
        ("a = '''\nb = 1\n\\'''\nc = 2", {"a": 1, "c": 4}),
        ('a = """x\\"""\n"""\nc = 2', {"a": 1, "c": 3}),
        ('a = """""x"""""\nb = """"""\nc = 2', {"a": 1, "b": 2, "c": 3}),
        ("a = '''''x'''''\nb = ''''''\nc = ''\nd = \"\"", {"a": 1, "b": 2, "c": 3, "d": 4}),
        ("a = \"it's\" # don't\nb = '\"'\nc = 1", {"a": 1, "b": 2, "c": 3}),
        ("a = 1\r\n[t]\r\nb = [\r\n1]\r\nc = 2\r\n", {"a": 1, "t": 2, "t.b": 3, "t.c": 5}),
        ("a = 1979-05-27T07:32:00Z\nb = -1.5e+3\nc = true", {"a": 1, "b": 2, "c": 3}),
    ],
)
def test_lines(text: str, lines: dict[str, int]) -> None:
    """Headers, dotted and quoted keys, texts and lists over several lines: each has the line at which it begins."""
    tomllib.loads(text)
    assert lines == lines_of(text)


def test_what_stands_inside_of_a_value() -> None:
    """The keys of an inline table have its line; what stands nowhere has none."""
    lines = lines_of("x = 1\n[t]\na = { b = 1, c = { d = 2 } }")
    assert [3, 3, 2, 0, 0] == [line_at(path, lines) for path in ("t.a.b", "t.a.c.d", "t.z", "z", "")]


def leaves(document: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return every leaf by its dotted path."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        here = f"{above}.{key}" if above else key
        found |= leaves(value, here) if isinstance(value, dict) and value else {here: value}
    return found


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_the_shipped_files(name: str) -> None:
    """Every leaf of a shipped file stands at its line: the line begins with the leaf's name."""
    text = (ROOT / "mappings" / f"{name}.toml").read_text("utf-8")
    written, lines = text.splitlines(), lines_of(text)
    found = leaves(tomllib.loads(text))
    assert len(found) > 40
    for path in found:
        assert written[lines[path] - 1].strip("[]").startswith(path.rpartition(".")[2] if found[path] != {} else path)


KEYS = st.one_of(st.sampled_from(["a", "b-c", "1"]), st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
STRINGS = st.text(st.one_of(st.sampled_from("\"'#[]{}=\\\n,"), st.characters(exclude_categories=["Cs"])), max_size=12)


def quoted(text: str) -> str:
    """Return a basic string of TOML."""
    special = {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(special.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def in_three_quotes(text: str) -> str:
    """Return a multi-line basic string, in which line ends and quotes stand as they are where they may."""
    shown = [c if c in "\n'" or c.isprintable() else f"\\U{ord(c):08x}" for c in text.replace("\\", "\\\\")]
    return (
        '"""\n'
        + "".join(shown).replace('"""', '""\\"').removesuffix('"')
        + ('\\"' if text[-1:] == '"' else "")
        + '"""'
    )


WRITTEN = st.recursive(
    st.one_of(
        STRINGS.map(lambda text: (quoted(text), text)),
        STRINGS.map(lambda text: (in_three_quotes(text), text)),
        st.integers(-9, 9).map(lambda number: (str(number), number)),
    ),
    lambda inner: st.lists(inner, max_size=3).map(
        lambda parts: (
            "[ # ]\n" + "".join(f"  {text}, # ' [\n" for text, _ in parts) + "]",
            [value for _, value in parts],
        )
    ),
    max_leaves=5,
)


@given(st.dictionaries(KEYS.filter(lambda key: "." not in key), WRITTEN, max_size=6), st.booleans())
def test_any_text(said: dict[str, tuple[str, Any]], in_a_table: bool) -> None:
    """Whatever stands in texts, comments and lists: each key is found at the line at which it was written."""
    text, lines, table = ("[t]\n", {"t": 1}, "t.") if in_a_table else ("", {}, "")
    for key, (written, _) in said.items():
        lines[table + key] = text.count("\n") + 1
        text += f"{quoted(key)} = {written} # '[\n"
    document = tomllib.loads(text)
    assert {key: value for key, (_, value) in said.items()} == (document["t"] if in_a_table else document)
    assert lines == lines_of(text)


def test_time_grows_with_the_length_only() -> None:
    """A list and a table of 20,000 entries each are split in a moment, not in a time that grows by its square."""
    entries = "".join('  ["]", "[",\n   "#"],\n' for _ in range(20_000))
    rows = "".join(f'"product {number}" = {number}\n' for number in range(20_000))
    began = process_time()
    lines = lines_of(f"list = [\n{entries}]\n[tables.t]\n{rows}")
    assert 40_003 == lines["tables"]
    assert 60_003 == lines["tables.t.product 19999"]
    assert process_time() - began < 5
