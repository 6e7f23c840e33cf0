"""Host statements as ops: a tool of the graph that is called, and what the call hands out."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sglc.compiler.ir.graph import ToolDecl
from sglc.compiler.ir.op import Literal as IrLiteral
from sglc.compiler.ir.op import Operand, Symbol, Value
from sglc.compiler.ir.values import EFFECT
from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.hosts import RESULT, HostStatement
from sglc.compiler.python.values import EFFECT_KEY, IR_TYPES, Data, Env, Kind
from sglc.constraints import types as t

HOST_TIMEOUT_S: Final = 1e9
"""Host statements take as long as they take: they are the program itself."""
_TYPES: Final[dict[Kind, t.Type]] = {
    "str": t.Str(),
    "bool": t.Bool(),
    "int": t.Int(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlined:
    """Statements that stay Python, seen from the graph.

    ``operands`` are by the names that the statements read; of them, those that are ``unset`` may
    come in without a value. ``outs`` are the names that they hand out; ``value`` is the kind of
    their last expression, if that is handed out too. ``helpers`` are as of ``HostStatement``.
    """

    body: Sequence[ast.stmt]
    operands: Mapping[str, Operand]
    outs: Sequence[tuple[str, Kind]]
    value: Kind | None
    unset: frozenset[str]
    helpers: Mapping[str, Any]

    @property
    def kinds(self) -> dict[str, Kind]:
        """What is handed out, by name; ``RESULT`` is the value."""
        return dict(self.outs) | ({} if self.value is None else {RESULT: self.value})


def emit_outlined(
    build: Build, frame: Frame, env: Env, outlined: Outlined, node: ast.AST
) -> dict[str, Data]:
    """Emit the call of host statements, which stand at ``node``; return what it hands out."""
    statement = _statement(build, frame, outlined)
    build.hosts.append(statement)
    for each in (node, *outlined.body):
        build.notes.note(frame.source.file, each, "host")
    kinds = outlined.kinds
    is_one = len(kinds) == 1
    only = next(iter(kinds.values())) if is_one else "any"
    hint = next(iter(kinds)) if is_one and RESULT not in kinds else None
    build.module.tool(
        ToolDecl(
            name=statement.name,
            params=tuple((param, t.AnyType()) for param in statement.params),
            result=_TYPES.get(only, t.AnyType()),
            timeout_s=HOST_TIMEOUT_S,
        )
    )
    given = {param: outlined.operands[each] for param, each in statement.params.items()}
    before = env.get(EFFECT_KEY)
    after: Operand = before.value if isinstance(before, Data) else IrLiteral(None)
    op = build.function.emit(
        "tool", Symbol(statement.name), kwargs=given, effect=True, after=after,
        hint=("e", hint), types=[EFFECT, IR_TYPES[only]],
    )  # fmt: skip
    effect, result = op.results
    env[EFFECT_KEY] = Data(effect, "effect")
    if is_one:
        return {each: Data(result, kind) for each, kind in kinds.items()}
    return {each: _field(build, result, each, kind) for each, kind in kinds.items()}


def _statement(build: Build, frame: Frame, outlined: Outlined) -> HostStatement:
    params = {each: each for each in outlined.operands}
    if "after" in params:  # which a call of a tool has for itself
        name = "after_"
        while name in params:
            name += "_"
        params[name] = params.pop("after")
    kinds = outlined.kinds
    return HostStatement(
        f"py{len(build.hosts)}",
        frame.source,
        tuple(outlined.body),
        params,
        tuple(out for out, _ in outlined.outs),
        outlined.value is not None,
        frame.global_names,
        outlined.unset,
        outlined.helpers,
        frozenset(each for each, kind in kinds.items() if kind == "str"),
    )


def _field(build: Build, record: Value, name: str, kind: Kind) -> Data:
    """Take one of several results out of the record that the call gives."""
    value = build.function.one(
        "field", record, name=name, types=IR_TYPES[kind], hint=None if name == RESULT else name
    )
    return Data(value, kind)
