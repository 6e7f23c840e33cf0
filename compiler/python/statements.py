"""Statements of a function: ops on states, control flow around them, host code for the rest."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Final

from sglc.compiler.python.appends import Appends, Said
from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.calls import Calls
from sglc.compiler.python.expressions import Expressions
from sglc.compiler.python.forks import Forks
from sglc.compiler.python.loops import Loops
from sglc.compiler.python.matches import Matches
from sglc.compiler.python.pieces import Begin, End
from sglc.compiler.python.reads import ESCAPES
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.regions import join_arms, leave_turn
from sglc.compiler.python.scope import escapes
from sglc.compiler.python.values import (
    Const,
    Data,
    Env,
    GroupRef,
    Known,
    Pieces,
    StateRef,
    operand_of,
)

_SIMPLE: Final = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Assert, ast.Raise)
_ROLES: Final = frozenset({"system", "user", "assistant"})


class Statements:
    """Lowers blocks. ``returns`` is told what the entry returns, and where."""

    def __init__(self, build: Build, returns: Callable[[Env, Known, ast.AST], None]) -> None:
        self.build = build
        self.returns = returns
        self.expressions = Expressions(build)
        self.appends = Appends(build, self.expressions)
        self.forks = Forks(build, self.expressions)
        self.loops = Loops(build, self.expressions, self)
        self.matches = Matches(build, self.expressions, self)
        self.calls = Calls(build, self.expressions, self)

    # ---- blocks

    def block(self, frame: Frame, env: Env, body: Sequence[ast.stmt]) -> None:
        """Lower statements; what cannot be reached is left out."""
        waiting: list[ast.stmt] = []
        for node in body:
            if env.ended:
                return
            if self._is_host(frame, env, node):
                waiting.append(node)
                continue
            self._flush(frame, env, waiting)
            try:
                self.statement(frame, env, node)
            except Unsupported as error:
                _placed(error, frame, node)
                raise
        self._flush(frame, env, waiting)

    def _flush(self, frame: Frame, env: Env, waiting: list[ast.stmt]) -> None:
        """Emit host statements that stand one behind another as one."""
        if not waiting:
            return
        body, waiting[:] = list(waiting), []
        try:
            self.expressions.host(frame, env, body)
        except Unsupported as error:
            _placed(error, frame, body[0])
            raise

    def _is_host(self, frame: Frame, env: Env, node: ast.stmt) -> bool:
        """Whether a statement has nothing to do with states, nor with what the graph knows."""
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Pass) or escapes(node):
            return False
        if self.expressions.touches(frame, env, node):
            return False
        match node:
            case (
                ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
            ):
                if self.appends.is_piece(frame, env, value):
                    return False
                try:
                    return self.expressions.operations.peek(frame, env, value) is None
                except Unsupported:
                    return True
            case ast.Expr(value=ast.Constant()):
                return False
        return True

    def statement(self, frame: Frame, env: Env, node: ast.stmt) -> None:
        """Lower one statement that is not all host code.

        Raises:
            Unsupported: it cannot be proven to mean the same.
        """
        match node:
            case ast.Pass() | ast.Global() | ast.Expr(value=ast.Constant()):
                return None
            case ast.AugAssign(target=target, op=ast.Add(), value=value):
                if self._append(frame, env, target, value, node):
                    return None
            case ast.Expr(value=value):
                if self._expression(frame, env, value):
                    return None
            case ast.Assign(targets=[target], value=value):
                if self._assign(frame, env, target, value):
                    return None
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                if self._assign(frame, env, target, value):
                    return None
            case ast.If():
                return self._if(frame, env, node)
            case ast.For():
                return self.loops.lower_for(frame, env, node)
            case ast.While():
                return self.loops.lower_while(frame, env, node)
            case ast.Match():
                return self.matches.lower(frame, env, node)
            case ast.With():
                return self._with(frame, env, node, 0)
            case ast.Return(value=value):
                return self._return(frame, env, node, value)
            case ast.Break() | ast.Continue():
                return self._leave(frame, env, node)
        if escapes(node) or not isinstance(node, _SIMPLE):
            word = type(node).__name__.lower()
            raise Unsupported(f"`{word}` around a state, or that leaves the block", node)
        self.expressions.host(frame, env, [node])
        return None

    # ---- simple statements

    def _append(
        self, frame: Frame, env: Env, target: ast.expr, value: ast.expr, node: ast.stmt
    ) -> bool:
        state = self.expressions.state_of(frame, env, target)
        group = self.expressions.group_of(frame, env, target)
        if state is None and group is None:
            return False
        if isinstance(value, ast.IfExp):
            self._either(frame, env, target, value, node)
            return True
        is_text = self.expressions.infer(frame, env, value) == "str"
        if group is not None and not (is_text or self.appends.is_piece(frame, env, value)):
            raise Unsupported("forks are appended with what is no text for all of them", value)
        pieces = self.appends.pieces(frame, env, value)
        for number in (state,) if group is None else group.states:
            assert number is not None
            self.appends.append(frame, env, number, pieces, node)
        return True

    def _either(
        self, frame: Frame, env: Env, target: ast.expr, value: ast.IfExp, node: ast.stmt
    ) -> None:
        """``s += a if c else b`` as two ways to append."""
        arms: list[list[ast.stmt]] = [
            [ast.copy_location(ast.AugAssign(target, ast.Add(), each), node)]  # type: ignore[arg-type]  # a target
            for each in (value.body, value.orelse)
        ]
        self._if(
            frame, env, ast.copy_location(ast.If(value.test, arms[0], arms[1]), value)
        )  # fmt: skip

    def _expression(self, frame: Frame, env: Env, value: ast.expr) -> bool:
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args, keywords=keywords):
                state = self.expressions.state_of(frame, env, owner)
                if state is not None and attr in _ROLES and len(args) == 1 and not keywords:
                    pieces = self.appends.message(frame, env, attr, args[0])
                    self.appends.append(frame, env, state, pieces, value)
                    return True
                group = self.expressions.group_of(frame, env, owner)
                if group is not None and attr == "join":
                    self.forks.join(frame, env, group, value)
                    return True
                if state is not None and attr not in ("text", "messages", "get_var"):
                    raise Unsupported(f"`{attr}` of a state has no op", value)
        return self.calls.lower(frame, env, value) is not None

    def _assign(self, frame: Frame, env: Env, target: ast.expr, value: ast.expr) -> bool:
        made = self.forks.fork_of(frame, env, value)
        if made is not None:
            self._bind_fork(frame, env, target, made)
            return True
        if not isinstance(target, ast.Name):
            if self.calls.is_call(frame, env, value):
                raise Unsupported("the result of a prompt function goes to more than a name", value)
            return False
        if target.id in frame.global_names:
            return False
        key = ("name", frame.number, target.id)
        result = self.calls.lower(frame, env, value)
        if result is not None:
            env[key] = result
        elif self.appends.is_piece(frame, env, value):
            pieces = self.appends.pieces(frame, env, value)
            known = tuple(piece for piece in pieces if not isinstance(piece, Said))
            if len(known) < len(pieces):
                raise Unsupported("what is to be appended stands in a name", value)
            env[key] = Pieces(known)
        else:
            with self.build.at(frame, value):
                env[key] = self.expressions.value(frame, env, value)
            self.build.notes.note(frame.source.file, value, "lowered")
        return True

    def _bind_fork(self, frame: Frame, env: Env, target: ast.expr, group: GroupRef) -> None:
        match target:
            case ast.Name(id=name) if name not in frame.global_names:
                env["name", frame.number, name] = group
            case ast.Tuple(elts=elts) | ast.List(elts=elts) if len(elts) == len(group.states):
                for each, number in zip(elts, group.states, strict=True):
                    if not isinstance(each, ast.Name) or each.id in frame.global_names:
                        raise Unsupported("a fork is stored in more than a name", each, ESCAPES)
                    env["name", frame.number, each.id] = StateRef(number)
            case _:
                raise Unsupported("a fork is stored where it cannot be followed", target, ESCAPES)

    # ---- control flow

    def _if(self, frame: Frame, env: Env, node: ast.If) -> None:
        with self.build.at(frame, node.test):
            test = self.expressions.condition(frame, env, node.test)
        if isinstance(test, Const):
            return self.block(frame, env, node.body if test.value else node.orelse)
        self.build.notes.note(frame.source.file, node, "lowered")
        arms = []
        for label, body in (("do", node.body), ("else", node.orelse)):
            inner = env.copy()
            with self.build.function.region(label) as region:
                self.block(frame, inner, body)
            arms.append((region, inner))
        with self.build.at(frame, node):
            join_arms(self.build, env, "if", operand_of(test), arms)
        return None

    def _with(self, frame: Frame, env: Env, node: ast.With, place: int) -> None:
        """``with s.user():``, ``s.var_scope(…)``, ``s.copy()``, one item after the other."""
        if place == len(node.items):
            return self.block(frame, env, node.body)
        item = node.items[place]
        match item.context_expr:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args, keywords=[]):
                state = self.expressions.state_of(frame, env, owner)
            case _:
                state = None
        if state is None:
            raise Unsupported("`with` around a state, of a manager that is not of the state", node)
        if any(map(escapes, node.body)):
            raise Unsupported("`return`, `break` or `continue` out of a `with` of a state", node)
        call: Any = item.context_expr
        self.build.notes.note(frame.source.file, node, "lowered")
        if attr == "copy":
            return self._copy(frame, env, node, place, state)
        if item.optional_vars is not None:
            if not isinstance(item.optional_vars, ast.Name):
                raise Unsupported("a state is stored in more than a name", node, ESCAPES)
            env["name", frame.number, item.optional_vars.id] = StateRef(state)
        if attr in _ROLES and not args:
            self.appends.append(frame, env, state, [Begin(attr)], call)
            self._with(frame, env, node, place + 1)
            if not env.ended:
                self.appends.append(frame, env, state, [End(attr)], call)
            return None
        if attr == "var_scope" and len(args) == 1:
            name = self.expressions.constant(frame, env, args[0])
            before, roles = env.stream(state), self.build.num_roles
            self._with(frame, env, node, place + 1)
            if isinstance(name, str) and not env.ended:
                with self.build.at(frame, call):
                    text = self.build.slice(before, env.stream(state), roles, call)
                env["var", state, name] = Data(text, "str")
                return None
        raise Unsupported(f"`{attr}` of a state has no op", call)

    def _copy(self, frame: Frame, env: Env, node: ast.With, place: int, state: int) -> None:
        call = node.items[place].context_expr
        assert isinstance(call, ast.Call)
        size = self.expressions.constant(frame, env, call.args[0]) if call.args else 1
        with self.build.at(frame, call):
            group = self.forks.fork(env, state, size, call)
        target = node.items[place].optional_vars
        if target is not None:
            if not isinstance(target, ast.Name):
                raise Unsupported("a copy is stored in more than a name", node, ESCAPES)
            key = ("name", frame.number, target.id)
            env[key] = group if len(group.states) > 1 else StateRef(group.states[0])
        self._with(frame, env, node, place + 1)
        if not env.ended:
            self.forks.gather(env, group, call)

    def _return(self, frame: Frame, env: Env, node: ast.Return, value: ast.expr | None) -> None:
        result: Known = Const(None)
        num_hosts = len(self.build.hosts)
        if value is not None:
            called = self.calls.lower(frame, env, value)
            with self.build.at(frame, value):
                result = called or self.expressions.value(frame, env, value)
            self.expressions.note_reads(frame, env, value)
        if len(self.build.hosts) == num_hosts:
            self.build.notes.note(frame.source.file, node, "lowered")
        self.finish(frame, env, result, node)

    def finish(self, frame: Frame, env: Env, result: Known, node: ast.AST) -> None:
        """The function of a frame returns."""
        if frame.outer is not None:
            self.calls.leave(frame, env, result, node)
            return
        with self.build.at(frame, node):
            self.returns(env, result, node)
        env.ended = True

    def _leave(self, frame: Frame, env: Env, node: ast.Break | ast.Continue) -> None:
        loop = self.build.loops[-1]
        if loop.is_written_out:
            raise Unsupported("a loop that is written out is left early", node)
        word = "break" if isinstance(node, ast.Break) else "continue"
        self.build.notes.note(frame.source.file, node, "lowered")
        with self.build.at(frame, node):
            leave_turn(self.build, env, word, loop)


def _placed(error: Unsupported, frame: Frame, node: ast.AST) -> None:
    """Give a reason its place, unless it has one."""
    if error.node is None:
        error.node = node
    error.file = error.file or frame.source.file
