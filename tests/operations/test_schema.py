"""The JSON Schema of a mapping file, against mapping files; and the names that expressions may use."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, ValidationError

from adapter.cli import cli
from adapter.operations.glossary import glossary
from adapter.operations.schema import mapping_schema
from adapter.purchase.contract import SECTIONS
from adapter.purchase.meanings import FIELDS, TABLES

ROOT = Path(__file__).resolve().parents[2]
GOOD = sorted([*(ROOT / "mappings").glob("*.toml"), *(ROOT / "tests" / "mappings" / "valid").glob("*.toml")])
INVALID = ROOT / "tests" / "mappings" / "invalid"
REFUSED = [
    "base-of-two-mistakes",
    "boolean-for-number",
    "boolean-for-rule",
    "date-for-text",
    "dotted-key",
    "empty-required",
    "extends-a-list",
    "field-at-the-top",
    "form-and-expression",
    "fraction-for-whole",
    "hold-too-long",
    "hold-with-unit",
    "inline-table",
    "items-as-list",
    "list-for-condition",
    "list-for-expression",
    "misplaced-key",
    "misspelt-extends",
    "mistakes-of-a-base",
    "name-for-a-field",
    "negative-hold",
    "nothing",
    "number-for-consent",
    "number-for-expression",
    "number-for-pixel",
    "number-for-secret",
    "number-for-table",
    "number-in-rules",
    "number-in-secrets",
    "number-too-small",
    "one-of-many-lines",
    "origin-as-text",
    "partner-unknown-field",
    "quoted-keys",
    "removed-unknown",
    "section-at-the-top",
    "several-tables-as-text",
    "table-for-expression",
    "table-for-text",
    "ten-mistakes",
    "text-for-boolean",
    "text-for-clicks",
    "text-for-list",
    "text-for-number",
    "text-for-section",
    "text-for-table",
    "top-key-in-a-table",
    "unknown-event-field",
    "unknown-identifier",
    "unknown-item-field",
    "unknown-orders-key",
    "unknown-platform",
    "unknown-table",
    "unknown-top-key",
    "unknown-user-field",
    "wrong-count",
    "wrong-envelope",
    "wrong-rule",
    "wrong-side",
]
"""The files of tests/mappings/invalid whose mistakes an editor can see; what is wrong in the others are expressions,
addresses, variables and other files."""

NOT_TOML = {
    path.stem
    for path in INVALID.glob("*.toml")
    if "this is not TOML" in path.read_text("utf-8") and not path.stem.startswith("heir")
}

VALIDATOR = Draft202012Validator(mapping_schema())


def errors(document: Any) -> list[str]:
    """Return the path of everything in a mapping file that breaks the schema."""
    return [path for error in VALIDATOR.iter_errors(document) for path in _paths(error)]


def _paths(error: ValidationError) -> list[str]:
    """Return where the mistake is: for a key that is missing or too much, at that key."""
    here = "".join("[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    if error.validator == "required":
        return [f"{here}.{error.message.split(chr(39))[1]}"]
    if error.validator == "additionalProperties":
        return [f"{here}.{name}" for name in error.instance if name not in error.schema["properties"]]
    return [here]


def read(path: Path) -> dict[str, Any]:
    """Return a mapping file as an editor sees it."""
    return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)


def texts(schema: Any) -> Iterator[object]:
    """Yield every title and description of a schema."""
    for key, value in schema.items():
        if key in ("title", "description") and not isinstance(value, dict):
            yield value
        elif isinstance(value, dict) and key != "default":
            yield from texts(value)


def test_its_own_form() -> None:
    """It is a JSON Schema of draft 2020-12, and each of its texts says something."""
    schema = mapping_schema()
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    Draft202012Validator.check_schema(schema)
    said = list(texts(schema))
    assert len(said) > 60
    assert all(isinstance(text, str) and text and "None" not in text for text in said)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files(path: Path) -> None:
    """The shipped files and every valid one keep to it."""
    assert [] == errors(read(path))


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files(name: str) -> None:
    """What is wrong in the form is seen by an editor already, at the very path that `adapter check` names."""
    path = INVALID / f"{name}.toml"
    found = {error.removeprefix(".").partition("[")[0] for error in errors(read(path))}
    text = path.read_text("utf-8")
    assert found
    for error in found:
        assert f": {error}" in text


def test_the_other_files() -> None:
    """Beyond these an editor marks none."""
    files = [path for path in INVALID.glob("*.toml") if path.stem not in NOT_TOML]
    assert set(REFUSED) == {path.stem for path in files if errors(read(path))}


COMPLETE = read(ROOT / "mappings" / "woocommerce.toml")


@pytest.mark.parametrize(
    "path",
    [
        "platform",
        "webhook_secret",
        "site_url",
        "event",
        "event.user_data",
        "event.data",
        "event.data.items",
        *(
            f"{section}.{name}"
            for section, fields in SECTIONS.items()
            for name, field in fields.items()
            if field.required and section != "event.measurement_partner_data"
        ),
    ],
)
def test_what_is_required(path: str) -> None:
    """A file without a base must say what Axon requires; one with a base inherits it."""
    document = json.loads(json.dumps(COMPLETE))
    *tables, name = path.split(".")
    owner = document
    for table in tables:
        owner = owner[table]
    del owner[name]
    assert [f".{path}"] == errors(document)
    assert [] == errors({**document, "extends": "woocommerce"})


def test_the_partner_is_a_whole() -> None:
    """One field of the measurement partner's table asks for the other required ones."""
    event = {**COMPLETE["event"], "measurement_partner_data": {"is_claimable": "`true`"}}
    missing = errors({**COMPLETE, "event": event})
    table = ".event.measurement_partner_data"
    assert [
        f"{table}.accounting_mode",
        f"{table}.attribution_lookback_window_hours",
        f"{table}.attribution_model",
        f"{table}.attribution_share",
    ] == missing


def test_every_field_is_described() -> None:
    """The words know exactly the fields of the contract; each is completed with its meaning and the names to use."""
    assert {section: set(fields) for section, fields in SECTIONS.items()} == {
        section: set(fields) for section, fields in FIELDS.items()
    }
    assert set(SECTIONS) == set(TABLES)
    items = mapping_schema()["properties"]["event"]["properties"]["data"]["properties"]["items"]["properties"]
    assert "Required by Axon." in items["price"]["description"]
    assert "Required" not in items["discount"]["description"]
    assert "item.{id, variant_id, title, price, " in items["price"]["description"]
    user = mapping_schema()["properties"]["event"]["properties"]["user_data"]["properties"]
    assert "It must be one of web, app." in user["esi"]["description"]
    assert "purchase.{id, placed_at, source_url, currency, " in user["esi"]["description"]
    assert "item.{" not in user["esi"]["description"]


def test_the_command() -> None:
    """`adapter schema` prints the schema as JSON; it needs no settings."""
    ended = CliRunner().invoke(cli, ["schema"])
    assert 0 == ended.exit_code
    assert mapping_schema() == json.loads(ended.output)


def test_the_names() -> None:
    """`adapter schema --names` lists every name and function with its meaning, in 80 columns."""
    ended = CliRunner().invoke(cli, ["schema", "--names"])
    assert list(glossary()) == ended.output.splitlines()
    lines = ended.output.splitlines()
    assert "purchase.id                    the platform's order id, as text" in lines
    assert "item.quantity                  how many; may have a fraction" in lines
    assert "digits(text)                   only the digits of a text" in lines
    for name in ("order", "line", "clicks", "stored", "shop", "attribute(order, name)", "lookup(table, key)"):
        assert any(line.startswith(f"{name} ") for line in lines), name
    assert "starts_with" in ended.output
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line != line.rstrip()]
