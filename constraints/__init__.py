"""Constraints: what a model may write, as types, regexes, JSON Schemas and grammars.

    from sglc import constraints

    date = constraints.regex(r"\\d{4}-\\d{2}-\\d{2}")
    answer = constraints.choices(["yes", "no"]) + constraints.regex(", because [^\\n]+")
    person = constraints.json_schema({"type": "object", "properties": {"age": {"type": "integer"}}})
    date.accepts("2024-02-30"), person.forced(), answer.explain()

What these functions return are types of the language (``sglc.constraints.types``): a ``gen`` takes
them as they are. Their methods are those of ``sglc.constraints.members.Members``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from typing import Literal as Choice

if TYPE_CHECKING:
    from sglc.constraints.types import Grammar, Regex, Schema, Type

__all__ = ["choices", "grammar", "json_schema", "pydantic", "regex"]


def regex(pattern: str, *, ascii: bool = False) -> Regex:
    """The texts that ``re.fullmatch(pattern, text)`` matches.

    ``ascii`` lets ``\\w``, ``\\d`` and ``\\s`` mean ASCII characters only, as ``(?a)`` does.

    Raises:
        RegexError: wrong syntax, or something that is not regular or not supported; ``position``
            says where.
    """
    from sglc.constraints.patterns import ascii_only, parse_regex
    from sglc.constraints.types import Regex

    _check_text("a pattern", pattern)
    whole = ascii_only(pattern) if ascii else pattern
    parse_regex(whole)
    return Regex(whole)


def choices(texts: Iterable[str]) -> Type:
    """Exactly these texts.

    Raises:
        ValueError: there is none, or one comes twice.
    """
    from sglc.constraints.types import Literal, Union

    listed = list(texts)
    for text in listed:
        _check_text("a choice", text)
    if not listed:
        raise ValueError("there must be a choice at least")
    if len(set(listed)) < len(listed):
        twice = next(text for i, text in enumerate(listed) if text in listed[:i])
        raise ValueError(f"choice {twice!r} comes twice")
    return Literal(listed[0]) if len(listed) == 1 else Union(tuple(map(Literal, listed)))


def json_schema(
    schema: Mapping[str, Any] | bool | str,
    *,
    order: Choice["schema", "any"] = "schema",
    layout: Choice["spaced", "compact"] | int = "spaced",
    formats: Choice["enforce", "known", "annotate"] = "enforce",
    resources: Mapping[str, Mapping[str, Any] | bool] | None = None,
) -> Schema:
    """JSON that is valid against a schema, which may be given as JSON text.

    Draft 2020-12, or draft 7 where ``$schema`` says so. ``order``: keys come in the order of the
    schema, further ones behind them; or in ``any`` order. ``layout``: where blanks stand, always
    exactly there: as ``json.dumps`` writes by default (``spaced``), without blanks (``compact``),
    or with its ``indent``. ``formats``: whether a ``format`` is part of the language (``enforce``;
    one that is not known is refused), where it is ``known``, or never (``annotate``).
    ``resources``: other documents by URI, which references may lead to; nothing is fetched.

    Raises:
        SchemaError: the schema is wrong, or has a keyword that cannot be enforced; ``path`` says
            where.
    """
    import json

    from sglc.constraints.schemas import compiled
    from sglc.constraints.types import Schema

    def written(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    text = schema if isinstance(schema, str) else written(schema)
    made = Schema(text, order, layout, formats, written(resources) if resources else "")
    compiled(made)
    return made


def pydantic(model: Any, *, order: Choice["schema", "any"] = "schema") -> Schema:
    """JSON that a Pydantic model (version 2) reads: its ``model_json_schema()``.

    What a model's own validators ask for is not in its schema: validate what was generated.

    Raises:
        TypeError: ``model`` is not a Pydantic model.
        SchemaError: as ``json_schema``.
    """
    describe = getattr(model, "model_json_schema", None)
    if describe is None:
        raise TypeError(f"{model!r} is not a Pydantic model (version 2)")
    return json_schema(describe(), order=order)


def grammar(text: str, *, start: str = "start") -> Grammar:
    """The texts of rule ``start`` of a context-free grammar in lark's notation.

    Terminals may be cut in every way (lark's ``dynamic_complete`` lexer).

    Raises:
        GrammarError: the grammar is wrong, or has a terminal that is not regular.
    """
    from sglc.constraints.lark_grammar import grammar_rules
    from sglc.constraints.types import Grammar

    _check_text("a grammar", text)
    grammar_rules(text, start)
    return Grammar(text, start)


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {value!r}")
