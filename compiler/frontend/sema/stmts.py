"""Statements: the flow of control, the names that each path binds, roles and branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sglc.compiler.diagnostics import codes
from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import ToolInfo
from sglc.compiler.frontend.sema import faults, matching
from sglc.compiler.frontend.sema.body import Body, Place
from sglc.compiler.frontend.sema.branches import Branches
from sglc.compiler.frontend.sema.calls import result_type
from sglc.compiler.frontend.sema.exprs import Exprs
from sglc.compiler.frontend.sema.flow import Binding, Env, join_envs
from sglc.compiler.frontend.sema.gens import Gens
from sglc.compiler.frontend.sema.options import WITH
from sglc.compiler.frontend.sema.types import (
    ANY,
    INT,
    STR,
    assignable,
    is_int,
    is_optional,
    show,
)
from sglc.compiler.frontend.sema.walk import bound_names, descend, says
from sglc.compiler.frontend.static_types import BranchType
from sglc.constraints import types as t

_MAX_ROUNDS = 3
_MAX_TRIED = 2


@dataclass
class _Loop:
    breaks: list[Env] = field(default_factory=list)
    continues: list[Env] = field(default_factory=list)


class Stmts:
    """Checks the statements of one prompt. ``live`` tells whether this point can be reached."""

    def __init__(
        self, body: Body, returns: t.Type | None, role_of: Callable[..., str | None]
    ) -> None:
        self.body = body
        self.exprs = Exprs(body)
        self.live = True
        self.exits: list[Env] = []
        self._returns = returns
        self._role_of = role_of
        self._gens = Gens(body, self.exprs)
        self._branches = Branches(body, self)
        self._loops: list[_Loop] = []
        self._tried = 0
        self._assigned: dict[int, set[str]] = {}  # by loop body
        self._num_roles = 0

    # -- blocks

    def block(self, stmts: Sequence[ast.Stmt]) -> None:
        """Check statements in order; what follows a jump is reported and then checked as well."""
        left = False
        before: ast.Stmt | None = None
        for stmt in stmts:
            if not self.live and before is not None:
                self.body.report(_unreachable(stmt, before))
                left, self.live = True, True
            self._stmt(stmt)
            before = stmt
        if left:
            self.live = False

    def alternative(self, env: Env, stmts: Sequence[ast.Stmt]) -> Env | None:
        """Check a block that starts from ``env`` and return what holds at its end."""
        self.body.env, self.live = env, True
        self.block(stmts)
        return self.body.env if self.live else None

    def go_on(self, env: Env | None, before: Env) -> None:
        """Continue with what holds where paths meet, if any gets there."""
        self.live = env is not None
        self.body.env = before if env is None else env

    def isolated(self, env: Env, stmts: Sequence[ast.Stmt]) -> Env:
        """Check the block of a branch: it starts from ``env`` and cannot be jumped out of."""
        loops, self._loops = self._loops, []
        role = self.body.role
        self.body.depth += 1
        end = self.alternative(env, stmts)
        self.body.depth -= 1
        self.body.role = role
        self._loops = loops
        self.live = True
        return self.body.env if end is None else end

    def _stmt(self, stmt: ast.Stmt) -> None:
        match stmt:
            case ast.Say(expr=expr):
                self._say(expr)
            case ast.Bind():
                self._bind(stmt)
            case ast.Include(target=target):
                self._include(target)
            case ast.IncludeBind():
                self._include_bind(stmt)
            case ast.Keep(branch=branch):
                type_ = self.exprs.present(branch)
                if not assignable(type_, BranchType()):
                    self.body.report(faults.wants(branch.span, "a branch", show(type_)))
                self._branches.kept(branch)
            case ast.Check(condition=condition, message=message):
                self.check_condition(condition, message)
            case ast.Return():
                self._return(stmt)
            case ast.Break() | ast.Continue():
                self._jump(stmt)
            case ast.Role():
                self._role(stmt)
            case ast.If():
                self._if(stmt)
            case ast.Match():
                self._match(stmt)
            case ast.For():
                self._for(stmt)
            case ast.While():
                self._while(stmt)
            case ast.ForkEach():
                self._branches.each(stmt)
            case ast.ForkNamed():
                self._branches.named(stmt)
            case ast.Side():
                self._branches.side(stmt)
            case ast.SpanBlock(name=name, body=inner):
                self.block(inner)
                self.body.bind(name, STR, "span")
            case ast.With(options=options, body=inner):
                self.body.with_options.append(self._gens.with_block(options, WITH))
                self.block(inner)
                self.body.with_options.pop()

    # -- simple statements

    def _say(self, expr: ast.Expr) -> None:
        if self.exprs.calls.is_model_call(expr):
            self.exprs.check(expr, Place.SAID)
            return
        type_ = self.exprs.check(expr, Place.SAID)
        self.exprs.printable(expr, type_, Place.SAID)
        if isinstance(expr, ast.Call):
            callee = self.body.program.checked.callee(expr)
            if isinstance(callee, ToolInfo) and callee.effect == "effectful":
                self.body.report(codes.tool_result_said(expr.span, expr.callee.span.text))
        if not (isinstance(expr, ast.Text) and not expr.parts):
            self.body.outside(expr)

    def _bind(self, stmt: ast.Bind) -> None:
        declared = None if stmt.type is None else self.body.types.read_or_any(stmt.type)
        type_ = self.exprs.check(stmt.value, Place.VALUE, declared)
        if declared is not None:
            self.exprs.require(stmt.value, type_, declared, f"`{stmt.name.value}`")
        if stmt.name.value in self.body.module.names and stmt.name.value not in self.body.env.names:
            self.body.module.names[stmt.name.value].used = True
        self.exprs.bind_value(stmt.name, stmt.value, type_, declared)

    def _include(self, target: ast.Expr) -> t.Type:
        prompt = self.exprs.calls.included(target)
        if prompt is None:
            return ANY
        type_ = self.exprs.check(target)
        inner = self._role_of(prompt)
        if inner is not None and self.body.role is not None:
            self.body.report(
                codes.role_in_role(target.span, inner, self.body.role[0], self.body.role[1])
            )
        if inner is None:
            self.body.outside(target)
        return type_ if prompt.returns is not None else result_type(prompt)

    def _include_bind(self, stmt: ast.IncludeBind) -> None:
        type_ = self._include(stmt.target)
        declared = None if stmt.type is None else self.body.types.read_or_any(stmt.type)
        if declared is not None:
            self.exprs.require(stmt.target, type_, declared, f"`{stmt.name.value}`")
        self.body.bind(stmt.name, type_ if declared is None else declared, "include")

    def check_condition(self, condition: ast.Expr, message: ast.Expr | None) -> None:
        """Check ``check``/``expect``: from here on the condition holds."""
        facts = self.exprs.condition(condition)
        if message is not None:
            self.exprs.expect(message, STR, "the message")
        self._constant(condition)
        self.body.env = self.body.env.learn(facts.true)

    def _return(self, stmt: ast.Return) -> None:
        if self.body.depth:
            self.body.report(faults.leaves_branch(stmt.span, "return"))
        if stmt.value is None:
            if self._returns is not None and not is_optional(self._returns):
                self.body.report(
                    codes.missing_return(stmt.span, self.body.owner, str(self._returns))
                )
        elif self._returns is None:
            self.exprs.check(stmt.value, Place.VALUE)
            self.body.report(faults.value_returned(stmt.value.span, self.body.owner))
        else:
            where = f"the result of `{self.body.owner}`"
            self.exprs.expect(stmt.value, self._returns, where, Place.VALUE)
        if not self.body.depth:
            self.exits.append(self.body.env)
        self.live = False

    def _jump(self, stmt: ast.Break | ast.Continue) -> None:
        word = "break" if isinstance(stmt, ast.Break) else "continue"
        if not self._loops:
            self.body.report(codes.stray_jump(stmt.span, word))
            return
        loop = self._loops[-1]
        (loop.breaks if word == "break" else loop.continues).append(self.body.env)
        self.live = False

    # -- blocks with meaning

    def _role(self, stmt: ast.Role) -> None:
        name = stmt.name.value
        if name is None:
            self.body.report(faults.not_constant(stmt.name.span))
            name = "assistant"
        outer = self.body.role
        if outer is not None:
            self.body.report(codes.role_in_role(stmt.name.span, name, outer[0], outer[1]))
        known = self.body.program.options.roles
        if known is not None and name not in known:
            self.body.report(codes.unknown_role(stmt.name.span, name, sorted(known)))
        if not says(stmt.body):
            self.body.report(codes.empty_message(stmt.name.span, name))
        options, self._num_roles = self.body.program.options, self._num_roles + 1
        if options.prefix_stable is False and self._num_roles == 2:
            model = str(self.body.program.checked.config.get("model", "embedded"))
            self.body.report(codes.template_not_prefix_stable(stmt.name.span, model))
        self.body.role = (name, stmt.name.span)
        self.block(stmt.body)
        self.body.role = outer

    def _if(self, stmt: ast.If) -> None:
        ends: list[Env | None] = []
        before = self.body.env
        for arm in stmt.arms:
            facts = self.exprs.condition(arm.condition)
            self._constant(arm.condition)
            before = self.body.env
            ends.append(self.alternative(before.learn(facts.true), arm.body))
            self.body.env = before = before.learn(facts.false)
        ends.append(self.alternative(before, stmt.otherwise or ()))
        self.go_on(join_envs(ends), before)

    def _match(self, stmt: ast.Match) -> None:
        subject = matching.Subject(self.exprs, stmt.subject)
        before = self.body.env
        ends: list[Env | None] = []
        for case in stmt.cases:
            self.body.env = before
            ends.append(self.alternative(before.learn(subject.case(case)), case.body))
        self.body.env = before
        if stmt.otherwise is not None:
            ends.append(self.alternative(before.learn(subject.rest()), stmt.otherwise))
        elif not subject.is_covered(stmt):
            ends.append(before.learn(subject.rest()))
        self.go_on(join_envs(ends), before)

    def _for(self, stmt: ast.For) -> None:
        item = self.exprs.items_of(stmt.iterable)
        type_ = self.body.type_of(stmt.iterable)
        runs = isinstance(type_, t.List) and type_.min > 0

        def start() -> None:
            if stmt.index is not None:
                self.body.bind(stmt.index, INT, "loop")
            self.body.bind(stmt.var, item, "loop")

        own = [stmt.var.value] + ([stmt.index.value] if stmt.index else [])
        self._repeat(stmt.body, start, own, runs=runs)

    def _while(self, stmt: ast.While) -> None:
        limit = self.exprs.present(stmt.limit)
        if not is_int(limit):
            self.body.report(faults.wants(stmt.limit.span, "an integer", show(limit)))

        def start() -> None:
            facts = self.exprs.condition(stmt.condition)
            self.body.env = self.body.env.learn(facts.true)

        self._repeat(stmt.body, start, [], runs=False)

    def _repeat(
        self, stmts: Sequence[ast.Stmt], start: Callable[[], None], own: list[str], *, runs: bool
    ) -> None:
        """Check the body of a loop; ``own`` are its names, ``runs`` if it has a turn at least."""
        before = self.body.env
        entry = before
        assigned = self._assigned.get(id(stmts))
        if assigned is None:
            assigned = self._assigned[id(stmts)] = bound_names(stmts)
        if assigned and self._tried >= _MAX_TRIED:
            entry = _forget(before, assigned)
        elif assigned:
            self._tried += 1
            with self.body.muted():
                for _ in range(_MAX_ROUNDS):
                    ends = self._turn(entry, stmts, start, own, _Loop())
                    known = join_envs([before, *ends])
                    assert known is not None
                    if known == entry:
                        break
                    entry = known
            self._tried -= 1
        loop = _Loop()
        ends = self._turn(entry, stmts, start, own, loop)
        breaks = [_without(env, before, own) for env in loop.breaks]
        none = [] if runs else [before]
        self.go_on(join_envs([*none, *ends, *breaks]), before)

    def _turn(
        self,
        entry: Env,
        stmts: Sequence[ast.Stmt],
        start: Callable[[], None],
        own: list[str],
        loop: _Loop,
    ) -> list[Env | None]:
        self._loops.append(loop)
        self.body.env, self.live = entry, True
        start()
        end = self.alternative(self.body.env, stmts)
        self._loops.pop()
        ends = [*loop.continues, *([end] if end is not None else [])]
        return [_without(env, entry, own) for env in ends]

    def _constant(self, condition: ast.Expr) -> None:
        if any(isinstance(node, ast.Var | ast.Call) for node in descend(condition)):
            return
        known, value = self.exprs.peek(condition)
        if known:
            self.body.report(codes.constant_condition(condition.span, bool(value)))


def _without(env: Env, outer: Env, own: list[str]) -> Env:
    """Return ``env`` where the names of a loop mean again what they meant outside."""
    names = {name: binding for name, binding in env.names.items() if name not in own}
    names |= {name: outer.names[name] for name in own if name in outer.names}
    facts = {path: fact for path, fact in env.facts.items() if path[0] not in own}
    return Env(names, facts, env.inside)


def _forget(env: Env, assigned: set[str]) -> Env:
    """Return ``env`` where nothing is known of the types of some names."""
    for name in sorted(assigned):
        old = env.names.get(name)
        binding = Binding((), ANY, maybe=True) if old is None else Binding(old.variables, ANY)
        env = env.bind(name, binding)
    return env


def _unreachable(stmt: ast.Stmt, before: ast.Stmt) -> Diagnostic:
    words: dict[type, str] = {ast.Return: "return", ast.Break: "break", ast.Continue: "continue"}
    word = words.get(type(before))
    if word is None:
        return codes.unreachable(stmt.span)
    return codes.unreachable(stmt.span, before.span, word)
