"""Many values in one condition, in the way that each database takes them fastest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """Say that the column has one of the values in the list that is the parameter `name`.

    PostgreSQL gets one array: psycopg reads a statement with a hundred parameters anew each time, which takes longer
    than the statement itself. SQLite knows no arrays.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(bindparam(name, expanding=True, type_=column.type))
