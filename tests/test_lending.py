"""The database that a test gets is as the migrations left it, whatever the tests before have done to theirs."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from lending import Postgres

CLICK = (
    "INSERT INTO clicks (key, shop, identifiers, first_at, last_at) VALUES (decode(repeat('ab', 32), 'hex'), 'acme',"
    " '', now(), now())"
)
FOUND = (
    "SELECT (SELECT count(*) FROM clicks), (SELECT seconds FROM uptime),"
    " (SELECT version_num = 'x' FROM alembic_version)"
)


def run(url: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def one(url: str, query: str) -> Any:
    """Return the first row of an answer."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchone()


def test_rows_are_gone(postgres: Postgres) -> None:
    """The same database is lent again without the rows, and with those of the migrations."""
    name = postgres.lend()
    run(postgres.url(name), CLICK, "UPDATE uptime SET seconds = 7", "UPDATE alembic_version SET version_num = 'x'")
    assert (1, 7, True) == one(postgres.url(name), FOUND)
    postgres.take_back(name)
    assert name == postgres.lend()
    assert (0, 0, False) == one(postgres.url(name), FOUND)
    postgres.take_back(name)


def test_the_version_is_the_newest(postgres: Postgres) -> None:
    """A test that has claimed another version of the schema leaves nothing of that."""
    name = postgres.lend()
    (newest,) = one(postgres.url(name), "SELECT version_num FROM alembic_version")
    run(postgres.url(name), "UPDATE alembic_version SET version_num = '9999'")
    postgres.take_back(name)
    assert name == postgres.lend()
    assert (newest,) == one(postgres.url(name), "SELECT version_num FROM alembic_version")
    postgres.take_back(name)


def test_numbers_begin_anew(postgres: Postgres) -> None:
    """The first order has the number 1 again."""
    name = postgres.lend()
    query = "SELECT nextval(pg_get_serial_sequence('purchases', 'id'))"
    assert [(1,), (2,)] == [one(postgres.url(name), query) for _ in range(2)]
    postgres.take_back(name)
    assert name == postgres.lend()
    assert (1,) == one(postgres.url(name), query)
    postgres.take_back(name)


def test_who_still_holds_a_table_lets_go(postgres: Postgres) -> None:
    """A connection that a test has left open, in a transaction, stops nobody."""
    name = postgres.lend()
    left = psycopg.connect(postgres.url(name))
    left.execute("LOCK TABLE purchases")
    postgres.take_back(name)
    assert name == postgres.lend()
    assert (0, 0, False) == one(postgres.url(name), FOUND)
    left.close()
    postgres.take_back(name)


@pytest.mark.parametrize(
    "statements",
    [
        ["ALTER TABLE uptime RENAME TO away"],
        ["ALTER TABLE uptime RENAME TO away", "ALTER TABLE away RENAME TO uptime"],
        ["DROP TABLE logouts"],
        ["CREATE TABLE another (x int)"],
        ["CREATE INDEX another ON purchases (shop, state, id)"],
        ["ALTER TABLE clicks ALTER COLUMN identifiers DROP NOT NULL"],
        ["ALTER TABLE clicks ADD CHECK (shop <> '')"],
        ["VACUUM purchases"],
        ["ANALYZE uptime"],
        ["CREATE FUNCTION one() RETURNS int RETURN 1"],
        ["INSERT INTO logouts SELECT repeat('x', 500) || g, now() FROM generate_series(1, 3000) g"],
    ],
    ids=lambda statements: statements[0][:40],
)
def test_what_is_not_as_before_is_not_lent_again(postgres: Postgres, statements: list[str]) -> None:
    """A changed definition, even one that was changed back, statistics and a large table end a database."""
    name = postgres.lend()
    run(postgres.url(name), *statements)
    postgres.take_back(name)
    another = postgres.lend()
    assert name != another
    assert (0, 0, False) == one(postgres.url(another), FOUND)
    postgres.take_back(another)


def test_a_database_that_a_test_has_dropped(postgres: Postgres) -> None:
    """It is replaced."""
    name = postgres.lend()
    postgres.drop(name)
    postgres.take_back(name)
    another = postgres.lend()
    assert name != another
    postgres.take_back(another)
