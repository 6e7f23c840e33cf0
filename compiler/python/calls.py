"""Calls of other prompt functions on a state: their statements, in the place of the call."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.ir.op import Value
from sglc.compiler.ir.values import INT
from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.expressions import Expressions
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.regions import Turns, leave_turn
from sglc.compiler.python.scope import escapes
from sglc.compiler.python.source import MISSING, FunctionSource
from sglc.compiler.python.values import Const, Env, Known, is_scalar

if TYPE_CHECKING:
    from sglc.compiler.python.statements import Statements

_MAX_DEPTH: Final = 16
_RESULT: Final = "result "
"""No name of Python, so that no local is meant."""


class Calls:
    """Lowers ``f(s, …)`` for a prompt function ``f``."""

    def __init__(self, build: Build, expressions: Expressions, statements: Statements) -> None:
        self.build = build
        self.expressions = expressions
        self.statements = statements

    def is_call(self, frame: Frame, env: Env, node: ast.expr) -> bool:
        """Whether an expression calls a prompt function on a state."""
        return self._callee(frame, env, node) is not None

    def _callee(self, frame: Frame, env: Env, node: ast.expr) -> Any:
        if not isinstance(node, ast.Call) or not node.args:
            return None
        if self.expressions.state_of(frame, env, node.args[0]) is None:
            return None
        found = frame.source.resolve_node(node.func)
        callee = None if found is MISSING else self.build.words.callee(found)
        if callee is not None:
            self.build.see(frame, node.func)
        return callee

    def lower(self, frame: Frame, env: Env, node: ast.expr) -> Known | None:
        """Lower a call and return what it gives; None if it is no call of a prompt function."""
        callee = self._callee(frame, env, node)
        if callee is None:
            return None
        assert isinstance(node, ast.Call)
        depth, around = 0, frame
        while True:
            if around.source.func is callee.func:
                raise Unsupported(f"`{callee.func.__name__}` calls itself", node)
            if around.outer is None:
                break
            depth, around = depth + 1, around.outer
        if depth >= _MAX_DEPTH:
            raise Unsupported("prompt functions call each other too deep", node)
        source = self.build.source(callee.func)
        self.build.num_frames += 1
        inner = Frame(self.build.num_frames, source, global_names(source), frame)
        self._bind(frame, env, inner, node, callee)
        self.build.notes.note(frame.source.file, node, "lowered")
        if _returns_early(source):
            return self._in_a_turn(frame, env, inner, node)
        inner.num_loops = len(self.build.loops)
        self.statements.block(inner, env, source.tree.body)
        env.ended = False
        self._forget(env, inner)
        return inner.result

    def _in_a_turn(self, frame: Frame, env: Env, inner: Frame, node: ast.Call) -> Known:
        """A function that returns early is the only turn of a loop that it leaves."""
        key = ("name", inner.number, _RESULT)

        def turn(there: Env, values: Sequence[Value]) -> None:
            inner.num_loops = len(self.build.loops)
            self.statements.block(inner, there, inner.source.tree.body)

        env[key] = Const(None)
        with self.build.at(frame, node):
            Turns(self.build, env, "for", [1], [("once", INT)], turn, runs=True).lower()
        result = env.get(key) or Const(None)
        self._forget(env, inner)
        return result

    def leave(self, frame: Frame, env: Env, result: Known, node: ast.AST) -> None:
        """A called function returns."""
        if len(self.build.loops) == frame.num_loops and not _returns_early(frame.source):
            frame.result = result
            env.ended = True
            return
        if len(self.build.loops) != frame.num_loops:
            raise Unsupported("a called function returns out of a loop", node)
        env["name", frame.number, _RESULT] = result
        leave_turn(self.build, env, "break", self.build.loops[-1])

    def _forget(self, env: Env, inner: Frame) -> None:
        """The names of a called function are gone."""
        for key in [key for key in env.slots if key[0] == "name" and key[1] == inner.number]:
            del env.slots[key]

    def _bind(self, frame: Frame, env: Env, inner: Frame, node: ast.Call, callee: Any) -> None:
        """Give the parameters of a called function what the call says."""
        args = inner.source.tree.args
        if args.vararg or args.kwarg or any(isinstance(a, ast.Starred) for a in node.args):
            raise Unsupported("a call with `*` or `**`", node)
        if any(keyword.arg is None for keyword in node.keywords):
            raise Unsupported("a call with `*` or `**`", node)
        names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
        every = [*names, *(arg.arg for arg in args.kwonlyargs)]
        if len(node.args) > len(names):
            raise Unsupported("a call with too many arguments", node)
        given: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in every or keyword.arg in given:
                raise Unsupported(f"a call with a wrong argument `{keyword.arg}`", node)
            given[str(keyword.arg)] = keyword.value
        bound: dict[str, Known] = {}
        for name, value in given.items():
            with self.build.at(frame, value):
                bound[name] = self.expressions.value(frame, env, value)
        defaults = callee.func.__defaults__ or ()
        otherwise = {
            **dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)),
            **(callee.func.__kwdefaults__ or {}),
            **callee.bound,
        }
        for name, found in otherwise.items():
            if name not in bound:
                bound[name] = _default(found, node)
        missing = [name for name in every if name not in bound]
        if missing:
            raise Unsupported(f"a call without `{missing[0]}`", node)
        for name, known in bound.items():
            env["name", inner.number, name] = known


def _returns_early(source: FunctionSource) -> bool:
    """Whether a function may return before its last statement."""
    *before, last = source.tree.body
    return any(map(escapes, before)) or (escapes(last) and not isinstance(last, ast.Return))


def _default(value: object, node: ast.AST) -> Known:
    if not is_scalar(value):
        raise Unsupported("a default that is no text, number or truth value", node)
    return Const(value)  # type: ignore[arg-type]  # it is a scalar


def global_names(source: FunctionSource) -> tuple[str, ...]:
    """The names that a function declares as global."""
    nodes = (node for node in ast.walk(source.tree) if isinstance(node, ast.Global))
    return tuple(sorted({name for node in nodes for name in node.names}))
