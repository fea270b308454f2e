"""JMESPath expressions that keep money exact: compiled once, checked against the known names, evaluated per order."""

from __future__ import annotations

import html
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import jmespath
import msgspec
from jmespath import functions
from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    JMESPathError,
    JMESPathTypeError,
    LexerError,
    ParseError,
)
from jmespath.parser import ParsedResult

from adapter.jsonvalues import is_list, is_object, kind_of, objects_in
from adapter.purchase.attributes import attribute
from adapter.purchase.contract import suggestion
from adapter.purchase.landing import has_gaps, whole_query
from adapter.purchase.shortcuts import Find, shortcut

Names = Mapping[str, Sequence[str] | None]
"""The roots an expression may start from; a list names everything below a root, None leaves it open."""


class ExpressionInvalid(ValueError):
    """The text is no expression that could ever work; `column` counts from 1, 0 when there is none."""

    def __init__(self, message: str, column: int = 0, hint: str = "") -> None:
        self.column = column
        self.hint = hint
        super().__init__(message)


class ExpressionFailed(ValueError):
    """The expression failed on one order. The message never shows a value: it may be personal."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; `text` is as written, `origin` the mapping file that says so."""

    text: str
    origin: str
    _find: Find = field(repr=False, compare=False)
    _roots: frozenset[tuple[str, str | None]] = field(repr=False, compare=False)

    def may_read(self, root: str, name: str) -> bool:
        """Whether it may look at this name below this root of the scope."""
        return "@" in self.text or not self._roots.isdisjoint(((root, name), (root, None)))

    def evaluate(self, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
        """Return what the expression finds in the scope, None when nothing; raise `ExpressionFailed`."""
        try:
            return self._find(scope)
        except ExpressionFailed:
            raise
        except JMESPathTypeError as error:
            expected = " or ".join(error.expected_types)
            found = kind_of(error.current_value)
            raise ExpressionFailed(f"{error.function_name}() wants {expected}, and found {found}") from None
        except (JMESPathError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise ExpressionFailed(f"it can't be evaluated ({type(error).__name__})") from None


def compile_expression(text: str, names: Names, tables: Mapping[str, Any], origin: str = "") -> Expression:
    """Compile an expression and check its roots and functions; raise `ExpressionInvalid` with column and hint."""
    parsed = _parse(text)
    _make_literals_exact(parsed.parsed)
    _check_functions(parsed.parsed)
    _check_tables(parsed.parsed, tables)
    _check_names(parsed.parsed, names)
    _check_negations(parsed.parsed)
    functions = ExactFunctions(tables)
    find = shortcut(parsed.parsed, functions) or partial(
        parsed.search, options=jmespath.Options(custom_functions=functions)
    )
    return Expression(text, origin, find, frozenset(_roots(parsed.parsed)))


def _parse(text: str) -> ParsedResult:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return jmespath.compile(text)
    except Warning:
        raise ExpressionInvalid("text between backticks", 0, "write a constant text as 'text'") from None
    except EmptyExpressionError:
        raise ExpressionInvalid("the expression is empty") from None
    except IncompleteExpressionError:
        raise ExpressionInvalid("the expression ends too early", len(text) + 1) from None
    except LexerError as error:
        raise ExpressionInvalid(error.message, error.lexer_position + 1) from None
    except ParseError as error:
        found = f"unexpected {error.token_value!r}" if error.token_value else "the expression ends too early"
        raise ExpressionInvalid(found, error.lex_position + 1) from None


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("children", ()):
        if is_object(child):  # A slice has numbers for children.
            yield from _nodes(child)


def _make_literals_exact(tree: Mapping[str, Any]) -> None:
    """Turn the fractions of literals into `Decimal`; JMESPath reads them as floats, whose repr is exact enough."""
    for node in _nodes(tree):
        if node["type"] == "literal":
            node["value"] = _exact(node["value"])  # type: ignore[index]  # jmespath's nodes are plain dicts.


def _exact(value: Any) -> Any:  # noqa: ANN401  # A literal is any JSON.
    if is_list(value):
        return [_exact(entry) for entry in value]
    if is_object(value):
        return {key: _exact(entry) for key, entry in value.items()}
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ExpressionInvalid("a number between backticks is infinite or none", 0, "JSON knows no such number")
    return Decimal(repr(value))


def _check_functions(tree: Mapping[str, Any]) -> None:
    known = sorted(ExactFunctions.FUNCTION_TABLE)
    for node in _nodes(tree):
        if node["type"] == "function_expression":
            if node["value"] not in known:
                raise ExpressionInvalid(f"unknown function {node['value']}()", 0, suggestion(node["value"], known))
            _check_arguments(node["value"], len(node["children"]))


def _check_arguments(function: str, given: int) -> None:
    wanted = ExactFunctions.FUNCTION_TABLE[function]["signature"]
    if wanted[-1].get("variadic"):
        if given < len(wanted):
            raise ExpressionInvalid(f"too few arguments for {function}(): {given} instead of {len(wanted)} or more")
    elif given != len(wanted):
        raise ExpressionInvalid(f"wrong number of arguments for {function}(): {given} instead of {len(wanted)}")


def _check_tables(tree: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    for node in _nodes(tree):
        if node["type"] == "function_expression" and node["value"] == "lookup":
            table = node["children"][0].get("value")
            if node["children"][0]["type"] == "literal" and isinstance(table, str) and table not in tables:
                hint = suggestion(table, tuple(tables)) or "write that table into the mapping file"
                raise ExpressionInvalid(f"there is no table [tables.{table}]", 0, hint)


def _check_names(tree: Mapping[str, Any], names: Names) -> None:
    for root, name in _roots(tree):
        if root not in names:
            hint = suggestion(root, sorted(names)) or f"known here: {', '.join(sorted(names))}"
            raise ExpressionInvalid(f'unknown name "{root}"', 0, hint)
        below = names[root]
        if below is not None and name is not None and name not in below:
            raise ExpressionInvalid(f'unknown name "{root}.{name}"', 0, suggestion(name, below))


_SCOPE_OF_FIRST_CHILD = frozenset(
    ("index_expression", "projection", "value_projection", "filter_projection", "flatten")
)
"""Nodes whose first child is evaluated where the node stands, and the others inside of what it found."""


def _check_negations(tree: Mapping[str, Any]) -> None:
    """Refuse `!a.b`, which the library reads as `(!a).b`: always nothing, and never what is meant."""
    for node in _nodes(tree):
        first = objects_in(node.get("children"))[:1]
        if node["type"] in ("subexpression", *_SCOPE_OF_FIRST_CHILD) and first[0]["type"] == "not_expression":
            raise ExpressionInvalid("! takes only the name next to it", 0, "write !(a.b), with parentheses")


def _roots(node: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield (root, name below it) for every path of the expression that starts at the scope itself."""
    children = objects_in(node.get("children"))
    if node["type"] == "field":
        yield node["value"], None
    elif node["type"] in ("subexpression", "pipe"):
        yield from _roots_of_path(children)
    elif node["type"] == "expref":
        return
    else:
        inside = children[:1] if node["type"] in _SCOPE_OF_FIRST_CHILD else children
        for child in inside:
            yield from _roots(child)


def _roots_of_path(steps: list[dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Yield the roots of `a.b`, `a | b`, `a.[b, c]`, `@.a.b`: each step is evaluated inside of what the last found."""
    if steps[0]["type"] == "current":
        steps = steps[1:]
    if steps[0]["type"] != "field":
        yield from _roots(steps[0])
        return
    below = [name for name, _ in _roots(steps[1])] if len(steps) > 1 else []
    yield from ((steps[0]["value"], name) for name in below)
    if not below:
        yield steps[0]["value"], None


_ENCODER = msgspec.json.Encoder(decimal_format="number")

_LIBRARY_TYPES: Any = functions.Functions.__dict__["_get_allowed_pytypes"]


class ExactFunctions(functions.Functions):
    """JMESPath's functions, made to know `Decimal`, and the six of our own."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables

    def _get_allowed_pytypes(self, types: Sequence[str]) -> tuple[list[Any], list[Any]]:
        allowed, inner = _LIBRARY_TYPES(self, types)
        if "number" in types:
            allowed.append("Decimal")
        return allowed, [(*names, "Decimal") if "float" in names else names for names in inner]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return "number" if pyobject == "Decimal" else functions.TYPES_MAP.get(pyobject, "unknown")

    @functions.signature({"types": []})
    def _func_type(self, arg: object) -> str:
        return self._convert_to_jmespath_type(type(arg).__name__)

    @functions.signature({"types": ["array-number"]})
    def _func_avg(self, arg: list[Decimal]) -> Decimal | None:
        return Decimal(sum(arg)) / len(arg) if arg else None

    @functions.signature({"types": []})
    def _func_to_number(self, arg: object) -> int | Decimal | None:
        if isinstance(arg, int | Decimal) and not isinstance(arg, bool):
            return arg
        return _number_in(arg) if isinstance(arg, str) else None

    @functions.signature({"types": []})
    def _func_to_string(self, arg: object) -> str:
        if isinstance(arg, str):
            return arg
        if isinstance(arg, Decimal):
            return f"{arg:f}"
        text = _ENCODER.encode(arg).decode()
        return text.strip('"') if isinstance(arg, datetime) else text

    @functions.signature({"types": []}, {"types": ["string"]})
    def _func_attribute(self, order: object, name: str) -> Any:  # noqa: ANN401  # Meta values are any JSON.
        """Return a Shopify note attribute or a WooCommerce meta value by its name; the first that isn't empty."""
        return attribute(order, name) if is_object(order) else None

    @functions.signature({"types": []}, {"types": ["string"]})
    def _func_query(self, url: object, name: str) -> str | None:
        """Return a parameter of the query of a URL, absolute or not."""
        # Hardly any landing page carries a click: that is seen before anything is decoded.
        if not isinstance(url, str) or name not in url:
            return None
        # The buyer's browser wrote this: `urlsplit` would raise for some of it.
        values = parse_qs(whole_query(url)).get(name)
        return values[0] if values else None

    @functions.signature({"types": []})
    def _func_complete(self, identifier: object) -> str | None:
        """Return an identifier unless it can have lost characters: WooCommerce deletes the %xx of an address."""
        return identifier if isinstance(identifier, str) and not has_gaps(identifier) else None

    @functions.signature({"types": ["string"]}, {"types": []})
    def _func_lookup(self, table: str, key: object) -> Any:  # noqa: ANN401  # A table holds texts or numbers.
        """Return what the mapping's `[tables.<table>]` says for this key."""
        rows = self._tables.get(table)
        if rows is None:
            raise ExpressionFailed("lookup() asks for a table that isn't in the mapping file")
        return rows.get(self._func_to_string(key)) if isinstance(key, str | int | Decimal) else None

    @functions.signature({"types": []})
    def _func_digits(self, text: object) -> str | None:
        """Return only the digits of a text."""
        return "".join(re.findall("[0-9]", text)) if isinstance(text, str) else None

    @functions.signature({"types": []})
    def _func_unescape(self, text: object) -> str | None:
        """Return a text with its HTML entities decoded."""
        return html.unescape(text) if isinstance(text, str) else None


def _number_in(text: str) -> int | Decimal | None:
    if not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", text.strip()):
        return None
    return Decimal(text.strip()) if "." in text else int(text)
