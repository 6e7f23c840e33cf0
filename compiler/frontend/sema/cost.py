"""Model calls that buy nothing, and text in an order that costs more than it must."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.frontend.sema.program import LetEntity, Program, PromptEntity
from sglc.compiler.frontend.sema.walk import descend, form_calls, read_names
from sglc.compiler.source import Span
from sglc.constraints import types as t

_GREEDY_BELOW = 1e-6
_CHARS_PER_TOKEN = 4
_MIN_LATE_TOKENS = 64
_FORMS = ("gen", "select")


def check_dead_gen(body: Body, stmts: Sequence[ast.Stmt]) -> None:
    """Report the last model call of a prompt when its value is not read: nobody sees its text."""
    for gen, name in _last_calls(stmts):
        variable = None if name is None else body.variables.get(id(name))
        shown = any(kwarg.name.value == "show" for kwarg in gen.kwargs)
        if shown or (variable is not None and variable.used):
            return
        body.report(codes.dead_gen(gen.span, "" if name is None else name.value))
        return


def _last_calls(stmts: Sequence[ast.Stmt]) -> Iterator[tuple[ast.Call, ast.Name | None]]:
    """Yield the last model call of straight-line statements; nothing when it is not certain."""
    for stmt in reversed(stmts):
        match stmt:
            case ast.Role(body=inner) | ast.With(body=inner):
                found = list(_last_calls(inner))
                yield from found
                if found or _has_model_call(stmt):
                    return
            case ast.Bind(name=name, value=ast.Call() as call) if _is_model_call(call):
                yield call, name
                return
            case ast.Say(expr=ast.Call() as call) if _is_model_call(call):
                yield call, None
                return
            case ast.Say(expr=ast.Text(parts=parts)) if _has_model_call(stmt):
                for part in reversed(parts):
                    if isinstance(part, ast.Hole) and _has_model_call(part):
                        if isinstance(part.expr, ast.Call) and _is_model_call(part.expr):
                            yield part.expr, part.name
                        return
            case ast.Say() | ast.Bind() | ast.Check() | ast.Return() | ast.Pass():
                if _has_model_call(stmt):
                    return
            case _:
                return


def check_identical(body: Body, stmt: ast.ForkEach, count: int | None) -> None:
    """Report a fork whose branches are the same call with the same answer."""
    if body.program.muted or count == 1 or stmt.var.value in read_names(*stmt.body):
        return
    gens = list(form_calls("gen", *stmt.body))
    if not gens and not any(True for _ in form_calls("select", *stmt.body)):
        return
    for call in gens:
        info = body.program.checked._gens.get(id(call))
        temperature = 1.0 if info is None else info.options.get("temperature", 0.0)
        if not isinstance(temperature, int | float) or temperature >= _GREEDY_BELOW:
            return
    span = stmt.span.file.span(stmt.span.start, stmt.group.span.end)
    body.report(codes.identical_branches(span, count, stmt.var.value))


def check_trailing_space(body: Body, stmts: Sequence[ast.Stmt]) -> None:
    """Report texts that end with a space right before a model call that is told not to heal."""
    for node in descend(*stmts):
        match node:
            case ast.Text(parts=parts):
                for part, following in itertools.pairwise(parts):
                    if isinstance(following, ast.Hole):
                        _trailing_space(body, part, following.expr)
    for block in _blocks(stmts):
        for stmt, following_stmt in itertools.pairwise(block):
            match stmt, following_stmt:
                case (
                    ast.Say(expr=ast.Text(parts=(*_, part))),
                    ast.Say(expr=value) | ast.Bind(value=value),
                ):
                    _trailing_space(body, part, value)


def _trailing_space(body: Body, part: ast.TextChunk | ast.Hole, following: ast.Expr) -> None:
    if not _is_model_call(following) or _heals(body, following):
        return
    if isinstance(part, ast.TextChunk) and part.value.endswith(" "):
        end = part.span.end
        body.report(codes.trailing_space(part.span.file.span(end - 1, end)))


def _blocks(stmts: Sequence[ast.Stmt]) -> Iterator[Sequence[ast.Stmt]]:
    yield stmts
    for node in descend(*stmts):
        inner = getattr(node, "body", None)
        if isinstance(inner, tuple):
            yield inner
        otherwise = getattr(node, "otherwise", None)
        if isinstance(otherwise, tuple):
            yield otherwise


class _Piece(NamedTuple):
    """A stretch of the prompt that a batch shares (its length) or that varies (None)."""

    chars: int | None
    name: str
    span: Span


def check_order(program: Program, prompt: PromptEntity, rows: Sequence[Mapping[str, Any]]) -> None:
    """Report a prompt whose rows share much text, but only after a part that varies."""
    if len(rows) < 2:
        return
    pieces = list(_pieces(prompt, rows))
    first = next((i for i, piece in enumerate(pieces) if piece.chars is None), len(pieces))
    shared = sum(piece.chars or 0 for piece in pieces[:first]) // _CHARS_PER_TOKEN
    later = [piece for piece in pieces[first:] if piece.chars is not None]
    late = sum(piece.chars or 0 for piece in later) // _CHARS_PER_TOKEN
    if late < _MIN_LATE_TOKENS or late <= shared:
        return
    biggest = max(later, key=lambda piece: piece.chars or 0)
    varying = sum(len(str(value)) for value in rows[0].values()) // _CHARS_PER_TOKEN
    early = pieces[first]
    program.report(
        codes.order_defeats_sharing(
            early.span,
            shared,
            shared + late + varying,
            early=early.name,
            late=biggest.name,
            possible=shared + late,
        )
    )


def _pieces(prompt: PromptEntity, rows: Sequence[Mapping[str, Any]]) -> Iterator[_Piece]:
    """Yield the pieces of the prompt up to its first model call or branching."""
    params = {param.name: param for param in prompt.params}
    for stmt in _straight(prompt.decl.body):
        for part in _parts(stmt.expr):
            if isinstance(part, ast.TextChunk):
                yield _Piece(len(part.value), "the text after it", part.span)
                continue
            if _has_model_call(part.expr):
                return
            name = part.expr.name if isinstance(part.expr, ast.Var) else ""
            if name in params:
                values = [row.get(name, params[name].default) for row in rows]
                same = all(value == values[0] for value in values)
                yield _Piece(len(str(values[0])) if same else None, f"{{{name}}}", part.span)
            elif not _is_let(prompt, name):
                yield _Piece(None, part.span.text, part.span)


def _is_let(prompt: PromptEntity, name: str) -> bool:
    return prompt.module is not None and isinstance(prompt.module.names.get(name), LetEntity)


def _straight(stmts: Sequence[ast.Stmt]) -> Iterator[ast.Say]:
    for stmt in stmts:
        match stmt:
            case ast.Say():
                yield stmt
            case ast.Role(body=inner):
                yield from _straight(inner)
                if _has_model_call(stmt):
                    return
            case ast.Pass():
                pass
            case _:
                return


def _parts(expr: ast.Expr) -> Sequence[ast.TextChunk | ast.Hole]:
    if isinstance(expr, ast.Text):
        return expr.parts
    return (ast.Hole(name=None, expr=expr, span=expr.span),)


def _is_model_call(expr: ast.Expr) -> bool:
    match expr:
        case ast.Call(callee=ast.Var(name=name)):
            return name in _FORMS
    return False


def _has_model_call(node: ast.Node) -> bool:
    return any(True for form in _FORMS for _ in form_calls(form, node))


def count_of(type_: t.Type) -> int | None:
    """Return how many items a list has, when that is known."""
    return type_.min if isinstance(type_, t.List) and type_.min == type_.max else None


def _heals(body: Body, call: ast.Expr) -> bool:
    """Whether a model call heals, or does not say: only ``healing = false`` is a decision."""
    info = body.program.checked._gens.get(id(call))
    default = body.program.checked.config.get("healing")
    options = {} if info is None else info.options
    return options.get("healing", default) is not False
