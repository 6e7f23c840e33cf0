"""Forks and sides: blocks that run on a stream of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.frontend.sema.cost import check_identical, count_of
from sglc.compiler.frontend.sema.flow import Env
from sglc.compiler.frontend.static_types import BranchType, GroupType
from sglc.compiler.source import Span
from sglc.constraints import types as t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sglc.compiler.frontend.sema.stmts import Stmts


class Branches:
    """Checks the blocks of one prompt that make branches."""

    def __init__(self, body: Body, stmts: Stmts) -> None:
        self._body = body
        self._stmts = stmts

    def each(self, stmt: ast.ForkEach) -> None:
        """Check ``fork x in xs as group:``."""
        body = self._body
        item = self._stmts.exprs.items_of(stmt.iterable)
        type_ = body.type_of(stmt.iterable)
        limit = body.program.checked.config.get("max_branches", body.program.options.max_fork)
        if isinstance(type_, t.List) and type_.min > limit:
            body.report(codes.fork_too_wide(stmt.iterable.span, type_.min, limit))
        outer = body.env
        body.bind(stmt.var, item, "loop")
        start = body.env
        branch, end = self._branch(start, stmt.body, stmt.var.span.to(stmt.iterable.span))
        check_identical(body, stmt, count_of(type_))
        own = t.Field(stmt.var.value, item)
        fields = (own, *(f for f in branch.fields if f.name != stmt.var.value))
        if stmt.var.value == "_":
            fields = fields[1:]
        self._leave(outer, end, start, f"{stmt.group.value}[i]")
        body.bind(stmt.group, GroupType(BranchType(fields)), "group")

    def named(self, stmt: ast.ForkNamed) -> None:
        """Check ``fork as group:`` with a block for each label."""
        outer = self._body.env
        fields: dict[str, t.Field] = {}
        inside: dict[str, str] = {}
        for item in stmt.branches:
            name = item.name.value
            if name in fields:
                self._body.report(codes.duplicate_name(item.name.span, name, what="branch"))
            branch, end = self._branch(outer, item.body, stmt.group.span)
            fields[name] = t.Field(name, branch)
            inside |= _accesses(outer, end, f"{stmt.group.value}.{name}")
        self._body.env = outer.hide(inside)
        self._body.bind(stmt.group, t.Record(tuple(fields.values())), "group")

    def side(self, stmt: ast.Side) -> None:
        """Check ``side as name:``."""
        outer = self._body.env
        end = self._stmts.isolated(outer, stmt.body)
        if stmt.name is None:
            self._body.env = outer
            return
        self._leave(outer, end, outer, stmt.name.value)
        self._body.bind(stmt.name, BranchType(_captures(outer, end)), "group")

    def kept(self, branch: ast.Expr) -> None:
        """Report a ``keep`` where another message is open than where the branches began."""
        group = _group_of(branch)
        binding = None if group is None else self._body.env.names.get(group.name)
        here = self._body.role[0] if self._body.role else None
        for variable in binding.variables if binding else ():
            if variable.kind == "group" and variable.role != here:
                self._body.report(
                    faults.kept_elsewhere(branch.span, variable.role, here, variable.span)
                )

    def _branch(self, start: Env, stmts: Sequence[ast.Stmt], place: Span) -> tuple[BranchType, Env]:
        self._body.forks.append(place)
        end = self._stmts.isolated(start, stmts)
        self._body.forks.pop()
        return BranchType(_captures(start, end)), end

    def _leave(self, outer: Env, end: Env, start: Env, access: str) -> None:
        self._body.env = outer.hide(_accesses(start, end, access))


def _group_of(branch: ast.Expr) -> ast.Var | None:
    """Return the group that an expression takes one of its branches from, if that is plain."""
    match branch:
        case ast.Var():
            return branch
        case ast.Index(value=ast.Var() as group):
            return group
        case ast.Call(callee=ast.Var(name="best"), args=(ast.Var() as group, *_)):
            return group
    return None


def _captures(start: Env, end: Env) -> tuple[t.Field, ...]:
    """Return the names that a branch binds, with the types they have at its end.

    They count as read: who has the branch has them, under the name of its field.
    """
    bound = [(n, b) for n, b in end.names.items() if start.names.get(n) is not b]
    for _, binding in bound:
        for variable in binding.variables:
            variable.used = True
    return tuple(t.Field(name, binding.read_type) for name, binding in bound)


def _accesses(start: Env, end: Env, access: str) -> dict[str, str]:
    """Return how names inside a branch are reached from outside of it."""
    names = {
        name: f"{access}.{name}"
        for name, binding in end.names.items()
        if start.names.get(name) is not binding and name not in start.names
    }
    deeper = {
        name: f"{access}.{way}" for name, way in end.inside.items() if name not in start.inside
    }
    return {**deeper, **names}
