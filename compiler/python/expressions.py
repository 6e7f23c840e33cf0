"""Expressions: ops where those mean the same, else host code with reads as operands."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.constants import constant, fold
from sglc.compiler.python.guard import can_be_kept
from sglc.compiler.python.hosting import Hosting
from sglc.compiler.python.hosts import RESULT
from sglc.compiler.python.kinds import kind_of_expression
from sglc.compiler.python.operations import Operations
from sglc.compiler.python.reasons import NotConstant, Unsupported
from sglc.compiler.python.scope import free_names
from sglc.compiler.python.source import MISSING
from sglc.compiler.python.values import (
    Const,
    Data,
    Env,
    GroupRef,
    Kind,
    Known,
    Lost,
    Pieces,
    StateRef,
    is_scalar,
    kind_of,
)

ITERATOR: Final = "_sglc_iterator"
ITEM: Final = "_sglc_item"
MORE: Final = "_sglc_more"
"""Names of the frontend's own, for loops over Python's iterators."""
_GATHERING: Final = (list, tuple, sum, min, max, sorted, set, any, all, frozenset, dict)
_TEXT: Final = "_sglc_text"
CASE: Final = "_sglc_case"
"""The number of the case that a ``match`` has come to."""
_OWN: Final = frozenset({ITERATOR, ITEM, MORE, CASE})
_NOTHING: Final[Mapping[str, Known]] = {}


class Expressions:
    """Lowers the expressions of one function."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.operations = Operations(self)

    # ---- names

    def local(self, frame: Frame, env: Env, name: str) -> Known | None:
        """What a local stands for; None if the name is none, or is not set."""
        return env.get(("name", frame.number, name)) if self.is_local(frame, name) else None

    def is_local(self, frame: Frame, name: str) -> bool:
        """Whether a name is one of the function, or of the frontend."""
        return name in frame.source.locals or name in _OWN

    def named(self, frame: Frame, env: Env, node: ast.Name) -> Known:
        """What a local stands for.

        Raises:
            Unsupported: it is not surely set, or not known.
        """
        known = self.local(frame, env, node.id)
        match known:
            case None:
                raise Unsupported(f"`{node.id}` may not be set here", node)
            case Lost(reason=reason):
                raise Unsupported(f"`{node.id}`: {reason}", node)
            case Data(may_miss=True):
                raise Unsupported(f"`{node.id}` may not be set here", node)
        return known

    def resolves(self, frame: Frame, node: ast.expr, wanted: object) -> bool:
        """Whether a name means ``wanted``."""
        if isinstance(node, ast.Name) and node.id in frame.source.locals:
            return False
        if frame.source.resolve_node(node) is not wanted:
            return False
        self.build.see(frame, node)
        return True

    def gathers(self, frame: Frame, env: Env, node: ast.expr) -> bool:
        """Whether a function is done with a generator that it is given when it returns."""
        match node:
            case ast.Attribute(value=owner, attr="join"):
                return self.infer(frame, env, owner) == "str"
        return any(self.resolves(frame, node, each) for each in _GATHERING)

    def word(self, frame: Frame, node: ast.expr) -> object:
        """The word of the API that an expression means, or ``MISSING``."""
        found = frame.source.resolve_node(node)
        if found is MISSING or not (self.build.words.is_word(found)):
            return MISSING
        return self.build.see(frame, node)

    def state_of(
        self, frame: Frame, env: Env, node: ast.expr, bound: Mapping[str, Known] = _NOTHING
    ) -> int | None:
        """The state that an expression means, if it means one."""
        match node:
            case ast.Name(id=name):
                known = bound[name] if name in bound else self.local(frame, env, name)
                return known.number if isinstance(known, StateRef) else None
            case ast.Subscript(value=ast.Name() as owner, slice=index):
                group = self.group_of(frame, env, owner)
                if group is None:
                    return None
                place = self.constant(frame, env, index, bound)
                if type(place) is not int or not -len(group.states) <= place < len(group.states):
                    raise Unsupported("a fork is asked for a child that it does not have", node)
                return group.states[place]
        return None

    def group_of(self, frame: Frame, env: Env, node: ast.expr) -> GroupRef | None:
        """The children of a fork that an expression means, if it means some."""
        known = self.local(frame, env, node.id) if isinstance(node, ast.Name) else None
        return known if isinstance(known, GroupRef) else None

    def touches(
        self, frame: Frame, env: Env, node: ast.AST, bound: Mapping[str, Known] = _NOTHING
    ) -> bool:
        """Whether a state, or what is to be appended, is named in a node."""
        apart = StateRef | GroupRef | Pieces
        for name in free_names(node):
            known = bound.get(name.id) or self.local(frame, env, name.id)
            if isinstance(known, apart):
                return True
        return False

    def variable(self, env: Env, state: int, name: object, node: ast.AST) -> Known:
        """What a state calls by a name.

        Raises:
            Unsupported: it is not surely set.
        """
        known = env.get(("var", state, name)) if isinstance(name, str) else None
        if known is None or isinstance(known, Lost) or (isinstance(known, Data) and known.may_miss):
            raise Unsupported(f"{name!r} may not be there when it is read", node)
        return known

    # ---- constants

    def constant(
        self, frame: Frame, env: Env, node: ast.expr, bound: Mapping[str, Known] = _NOTHING
    ) -> Any:
        """The value of an expression that the graph has to know.

        Raises:
            NotConstant: it depends on a local that is not known.
            Unsupported: it may be anything.
        """

        def known(name: ast.Name) -> Any:
            found = bound.get(name.id) or self.named(frame, env, name)
            if isinstance(found, Const):
                return found.value
            if frame.number == 0 and name.id in self.build.fixed and self.is_param(env, name.id):
                self.build.guard.see_fixed(name.id, self.build.num_before)
                return self.build.fixed[name.id]
            raise NotConstant(name.id if frame.number == 0 else "", name)

        def outer(name: ast.expr) -> object:
            found = frame.source.resolve_node(name)
            if found is not MISSING and not can_be_kept(found):
                shown = ast.unparse(name)
                raise Unsupported(f"`{shown}` may change, and the graph needs its value", name)
            if self.build.num_before and found is not MISSING:
                self._refuse_changing(frame, name, found)
            return self.build.see(frame, name)

        return constant(node, frame.source, known, outer)

    def _refuse_changing(self, frame: Frame, node: ast.expr, found: object) -> None:
        """Refuse to know a name of which the file says that host code may have changed it."""
        changes = self.build.changes
        is_changed = changes.rebinds(frame.source, node) or (
            not is_scalar(found) and changes.mutates(frame.source, node)
        )
        if is_changed:
            shown = ast.unparse(node)
            raise Unsupported(f"`{shown}` may have changed where the graph needs its value", node)

    def is_param(self, env: Env, name: str) -> bool:
        """Whether a local of the entry still has the value that it was given."""
        known = env.get(("name", 0, name))
        return isinstance(known, Data) and known.value.name == name

    def folded(self, frame: Frame, env: Env, node: ast.expr) -> Const | None:
        """The value of an expression of known scalars, if it is one."""
        values: dict[str, object] = {
            str(key[2]): known.value
            for key, known in env.slots.items()
            if key[0] == "name" and key[1] == frame.number and isinstance(known, Const)
        }
        found = fold(node, values, frame.source, lambda name: self.build.see(frame, name))
        return Const(found) if found is not MISSING and is_scalar(found) else None  # type: ignore[arg-type]  # it is a scalar

    def outer(self, frame: Frame, node: ast.expr) -> Const | None:
        """A text, a number or the like that stands in a name outside of the function."""
        found = frame.source.resolve_node(node)
        if found is MISSING or not is_scalar(found):
            return None
        if self.build.changes.rebinds(frame.source, node):
            return None  # host code reads it where it stands
        self.build.see(frame, node)
        return Const(found)  # type: ignore[arg-type]  # it is a scalar

    # ---- any expression

    def infer(self, frame: Frame, env: Env, node: ast.expr) -> Kind:
        """The kind of what an expression surely gives."""

        def known(inner: ast.expr) -> Kind | None:
            try:
                return self.operations.peek(frame, env, inner)
            except Unsupported:
                return None

        return kind_of_expression(node, known, lambda name, f: self.resolves(frame, name, f))

    def value(self, frame: Frame, env: Env, node: ast.expr) -> Known:
        """The value of an expression.

        Raises:
            Unsupported: it uses a state in a way that has no op.
        """
        state = self.state_of(frame, env, node)
        if state is not None:
            return StateRef(state)
        group = self.group_of(frame, env, node)
        if group is not None:
            return group
        if self.operations.peek(frame, env, node) is not None:
            return self.operations.pure(frame, env, node)
        if isinstance(node, ast.Name) and node.id in frame.source.locals:
            known = self.named(frame, env, node)
            if kind_of(known) != "cell":
                return known
        return self.host_value(frame, env, node, self.infer(frame, env, node))

    def text_value(self, frame: Frame, env: Env, node: ast.expr) -> Data:
        """The value of an expression that is a text when it is appended, and else an error."""
        call = ast.Call(ast.Name(_TEXT, ast.Load()), [node], [])
        body = [ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)]
        return self.host(frame, env, body, "str", {_TEXT: self.build.words.text})[RESULT]

    def note_reads(self, frame: Frame, env: Env, node: ast.expr) -> None:
        """Python waits for what is read of states in an expression that ops give."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                known = self.local(frame, env, inner.id)
                if known is not None:
                    self.build.note_read(known, inner.id)
            elif isinstance(inner, ast.Subscript):
                state = self.state_of(frame, env, inner.value)
                if state is not None:
                    key = self.constant(frame, env, inner.slice)
                    self.build.note_read(self.variable(env, state, key, inner), str(key))

    def condition(self, frame: Frame, env: Env, node: ast.expr) -> Const | Data:
        """Whether an expression is true, as Python sees it."""
        if self.operations.peek(frame, env, node) in ("str", "int", "bool", "none", "float"):
            self.note_reads(frame, env, node)
            return self.operations.pure(frame, env, node)
        test = ast.copy_location(
            ast.UnaryOp(ast.Not(), ast.copy_location(ast.UnaryOp(ast.Not(), node), node)), node
        )
        return self.host_value(frame, env, test, "bool")

    def host_value(self, frame: Frame, env: Env, node: ast.expr, kind: Kind) -> Data:
        """Let host code give the value of an expression."""
        body = [ast.copy_location(ast.Expr(node), node)]
        return self.host(frame, env, body, kind)[RESULT]

    def host(
        self,
        frame: Frame,
        env: Env,
        body: Sequence[ast.stmt],
        value: Kind | None = None,
        helpers: Mapping[str, Any] = _NOTHING,
    ) -> dict[str, Data]:
        """Let host code run statements; what they bind is set in ``env``.

        Raises:
            Unsupported: they use a state, or a name that may not be set.
        """
        return Hosting(self.build, self).emit(frame, env, body, value, helpers)
