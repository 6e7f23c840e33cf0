"""``grammar(text)`` and ``schema(text)``: types that are written in another notation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.program import Program
from sglc.constraints import types as t

NAMES = frozenset({"grammar", "schema"})
_OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "grammar": {"start": ()},
    "schema": {
        "order": ("schema", "any"),
        "layout": ("spaced", "compact"),
        "formats": ("enforce", "known", "annotate"),
    },
}
_WANTED = {
    "grammar": "a text in lark's notation",
    "schema": "a JSON Schema, as a text or a record",
}

Evaluate = Callable[[ast.Expr], tuple[bool, Any]]


def read(program: Program, call: ast.Call, name: str, evaluate: Evaluate) -> t.Type | None:
    """Return the type that a call of ``grammar`` or ``schema`` means, or None after a report."""
    if len(call.args) != 1:
        program.report(faults.not_a_type(call.span, f"`{name}` takes {_WANTED[name]}"))
        return None
    known, value = evaluate(call.args[0])
    options = _options(program, call, name, evaluate)
    if not known or options is None:
        return None
    if name == "schema" and isinstance(value, Mapping | bool):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        program.report(faults.bad_value(call.args[0].span, name, f"must be {_WANTED[name]}"))
        return None
    if name == "grammar":
        return _checked(program, call, name, t.Grammar(value, **options))
    return _checked(program, call, name, t.Schema(value, **options))


def _checked(
    program: Program, call: ast.Call, name: str, type_: t.Grammar | t.Schema
) -> t.Type | None:
    """Return a type whose rules can be made."""
    from sglc.constraints.ruled import rules_of

    try:
        rules_of(type_)
    except ValueError as error:
        program.report(codes.unsupported_rules(call.args[0].span, name, str(error)))
        return None
    return type_


def _options(
    program: Program, call: ast.Call, name: str, evaluate: Evaluate
) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    failed = False
    for kwarg in call.kwargs:
        key = kwarg.name.value
        if key not in _OPTIONS[name]:
            program.report(codes.unknown_option(kwarg.name.span, key, name, _OPTIONS[name]))
            failed = True
            continue
        known, value = evaluate(kwarg.value)
        wanted = _OPTIONS[name][key]
        if known and (not isinstance(value, str) or (wanted and value not in wanted)):
            texts = " or ".join(f'"{text}"' for text in wanted) or "the name of a rule"
            program.report(faults.bad_value(kwarg.value.span, key, f"must be {texts}"))
            failed = True
        failed = failed or not known
        values[key] = value
    return None if failed else values
