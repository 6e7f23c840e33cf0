"""Statements of a prompt become ops on its stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked, PromptInfo
from sglc.compiler.frontend.graph.expressions import Expressions
from sglc.compiler.frontend.graph.regions import NOTHING, Arm, Scope
from sglc.compiler.frontend.graph.scan import (
    EFFECT,
    PROBS,
    STREAM,
    assigned,
    assigned_by,
)
from sglc.compiler.frontend.graph.types import item_type
from sglc.compiler.ir.op import Literal, Operand, Region, Value
from sglc.compiler.ir.values import ANY, BRANCH, GROUP, INT, STR, ValueType
from sglc.compiler.ir.values import STREAM as STREAM_TYPE
from sglc.compiler.source import Span
from sglc.constraints import types as t


@dataclass
class Statements:
    """Writes the body of one prompt.

    ``roles``: the messages that are open here; ``loop_roles``: how many of them were when the
    innermost loop began. Whoever leaves a message early ends it first.
    """

    checked: Checked
    scope: Scope
    expressions: Expressions
    prompt: PromptInfo
    roles: list[ast.Text] = field(default_factory=list)
    loop_roles: int = 0

    def block(self, body: Iterable[ast.Stmt]) -> None:
        """Write statements until one leaves."""
        for stmt in body:
            if self.scope.emitter.is_closed:
                return
            self._statement(stmt)

    def finish(self, span_owner: ast.Node, value: Operand | None = None) -> None:
        """Write the return of the prompt: ``value``, or what its names hold now."""
        if self.prompt.returns is not None:
            results = {"result": NOTHING if value is None else value}
        else:
            names = self.scope.names
            results = {name: names.get(name, NOTHING) for name, _ in self.prompt.captures}
        self.scope.emitter.emit("return", self.scope.stream, kwargs=results, span=span_owner.span)

    def _statement(self, stmt: ast.Stmt) -> None:
        match stmt:
            case ast.Say(expr=expr):
                self.expressions.say(expr)
            case ast.Bind(name=name, value=value):
                self.scope.names[name.value] = self.expressions.evaluate(value, name.value)
            case ast.Include(target=target):
                self._include(target)
            case ast.IncludeBind(name=name, target=target):
                self.scope.names[name.value] = self._include(target)
            case ast.Keep(branch=branch):
                self._keep(branch)
            case ast.Check(condition=condition, message=message):
                self._check(stmt, condition, message)
            case ast.Return(value=value):
                result = None if value is None else self.expressions.evaluate(value)
                self._end_roles(0)
                self.finish(stmt, result)
            case ast.Break():
                self._jump("break", stmt.span)
            case ast.Continue():
                self._jump("continue", stmt.span)
            case ast.Pass():
                pass
            case ast.With(options=options, body=body):
                self.expressions.fix([option.value for option in options], body)
                self.block(body)
            case ast.Role():
                self._role(stmt)
            case ast.If(arms=arms, otherwise=otherwise):
                self._if(stmt, arms, otherwise or ())
            case ast.Match():
                self._match(stmt)
            case ast.For():
                self._for(stmt)
            case ast.While():
                self._while(stmt)
            case ast.ForkEach():
                self._fork_each(stmt)
            case ast.ForkNamed():
                self._fork_named(stmt)
            case ast.Side():
                self._side(stmt)
            case ast.SpanBlock():
                self._span(stmt)

    def _include(self, target: ast.Expr) -> Operand:
        assert isinstance(target, ast.Call)
        callee = self.checked.callee(target)
        assert isinstance(callee, PromptInfo)
        return self.expressions.call_prompt(target, callee, include=True)

    def _keep(self, branch: ast.Expr) -> None:
        value = self.expressions.evaluate(branch)
        self.scope.names[STREAM] = self.scope.emitter.one(
            "s", STREAM_TYPE, "field", value, span=branch.span, name="stream"
        )

    def _check(self, stmt: ast.Stmt, condition: ast.Expr, message: ast.Expr | None) -> None:
        holds = self.expressions.evaluate(condition)
        emit = self.scope.emitter.emit
        if message is None or isinstance(message, ast.Var) or _literal(message) is not None:
            operands = [] if message is None else [self.expressions.evaluate(message)]
            emit("check", holds, *operands, span=stmt.span)
            return

        def fails() -> Sequence[Operand]:
            emit("check", Literal(False), self.expressions.evaluate(message), span=stmt.span)
            return ()

        # The message may itself fail or call a tool: it is made only when it is needed.
        arms = [Arm("do", tuple), Arm("else", fails)]
        written = assigned_by(self.checked, message)
        self.scope.alternatives("if", [holds], arms, written, span=stmt.span)

    def _role(self, stmt: ast.Role) -> None:
        self._mark("role.begin", stmt.name)
        self.roles.append(stmt.name)
        self.block(stmt.body)
        self.roles.pop()
        if not self.scope.emitter.is_closed:
            self._mark("role.end", stmt.name)

    def _mark(self, op: str, name: ast.Text) -> None:
        assert name.value is not None
        self.scope.names[STREAM] = self.scope.emitter.one(
            "s", STREAM_TYPE, op, self.scope.stream, span=name.span, role=name.value
        )

    def _jump(self, op: str, span: Span) -> None:
        self._end_roles(self.loop_roles)
        self.scope.leave(op, span)

    def _end_roles(self, keep: int) -> None:
        """End the open messages, but for the outer ``keep``."""
        for name in reversed(self.roles[keep:]):
            self._mark("role.end", name)

    def _turn(self, body: Sequence[ast.Stmt]) -> None:
        """Write the body of a loop."""
        outer, self.loop_roles = self.loop_roles, len(self.roles)
        self.block(body)
        self.loop_roles = outer

    def _if(self, stmt: ast.Stmt, arms: Sequence[ast.IfArm], otherwise: Sequence[ast.Stmt]) -> None:
        first, *rest = arms

        def then() -> Sequence[Operand]:
            self.block(first.body)
            return ()

        def other() -> Sequence[Operand]:
            if rest:
                self._if(rest[0], rest, otherwise)  # type: ignore[arg-type]  # only its span is read
            else:
                self.block(otherwise)
            return ()

        condition = self.expressions.evaluate(first.condition)
        written = assigned(self.checked, [*(s for arm in arms for s in arm.body), *otherwise])
        later = assigned_by(self.checked, *(arm.condition for arm in rest))
        self.scope.alternatives(
            "if",
            [condition],
            [Arm("do", then), Arm("else", other)],
            list(dict.fromkeys(written + later)),
            span=stmt.span,
        )

    def _match(self, stmt: ast.Match) -> None:
        subject = self.expressions.evaluate(stmt.subject)

        def arm(label: str, body: Sequence[ast.Stmt], values: Sequence[ast.Expr]) -> Arm:
            def write() -> Sequence[Operand]:
                self.block(body)
                return ()

            return Arm(label, write, tuple(map(self._case_value, values)))

        arms = [arm("case", case.body, case.values) for case in stmt.cases]
        if stmt.otherwise is not None or not self._is_exhaustive(stmt):
            arms.append(arm("else", stmt.otherwise or (), ()))
        bodies = [*(s for case in stmt.cases for s in case.body), *(stmt.otherwise or ())]
        written = assigned(self.checked, bodies)
        self.scope.alternatives("match", [subject], arms, written, span=stmt.span)

    def _case_value(self, expr: ast.Expr) -> bool | int | float | str | None:
        constant = self.checked.constant(expr)
        value = constant.value if constant is not None else _literal(expr)
        assert value is None or isinstance(value, bool | int | float | str)
        return value

    def _is_exhaustive(self, stmt: ast.Match) -> bool:
        values = {self._case_value(value) for case in stmt.cases for value in case.values}
        return all(value in values for value in _domain(self.checked.type_of(stmt.subject)))

    def _for(self, stmt: ast.For) -> None:
        items = self.expressions.evaluate(stmt.iterable)
        turn: list[tuple[str, ValueType]] = [(stmt.var.value, item_type(_type(items)))]
        own = {stmt.var.value}
        if stmt.index is not None:
            turn.append((stmt.index.value, INT))
            own.add(stmt.index.value)
        written = [name for name in assigned(self.checked, stmt.body) if name not in own]

        def body() -> Sequence[Operand]:
            self._turn(stmt.body)
            return ()

        attrs = {"index": True} if stmt.index is not None else None
        self.scope.loop("for", [items], written, body, turn=turn, attrs=attrs, span=stmt.span)

    def _while(self, stmt: ast.While) -> None:
        limit = self.expressions.evaluate(stmt.limit)
        written = assigned(self.checked, stmt.body)
        written += [n for n in assigned_by(self.checked, stmt.condition) if n not in written]

        def body() -> Sequence[Operand]:
            go = self.expressions.evaluate(stmt.condition)
            self.scope.emitter.emit("cond", go, span=stmt.condition.span)
            self._turn(stmt.body)
            return ()

        self.scope.loop("while", [limit], written, body, span=stmt.span)

    def _fork_each(self, stmt: ast.ForkEach) -> None:
        emitter = self.scope.emitter
        items = self.expressions.evaluate(stmt.iterable)
        branch = emitter.value("b", STREAM_TYPE)
        item = emitter.value(stmt.var.value, item_type(_type(items)))
        region = self._branch(branch, stmt.body, {stmt.var.value: item}, stmt)
        region = Region(label="branch", params=(branch, item), ops=region.ops)
        self.scope.names[stmt.group.value] = emitter.emit(
            "fork",
            self.scope.stream,
            items,
            results=[(stmt.group.value, GROUP)],
            regions=[region],
            span=stmt.span,
        )[0]

    def _fork_named(self, stmt: ast.ForkNamed) -> None:
        emitter = self.scope.emitter
        regions = []
        for branch in stmt.branches:
            start = emitter.value("b", STREAM_TYPE)
            region = self._branch(start, branch.body, {}, branch)
            case = (branch.name.value,)
            regions.append(Region(label="branch", case=case, params=(start,), ops=region.ops))
        fields = tuple((branch.name.value, BRANCH) for branch in stmt.branches)
        self.scope.names[stmt.group.value] = emitter.emit(
            "fork",
            self.scope.stream,
            results=[(stmt.group.value, ValueType("record", fields=fields))],
            attrs={"names": tuple(branch.name.value for branch in stmt.branches)},
            regions=regions,
            span=stmt.span,
        )[0]

    def _branch(
        self, start: Value, body: Sequence[ast.Stmt], own: dict[str, Operand], place: ast.Node
    ) -> Region:
        def write() -> Sequence[Operand]:
            self.scope.names[STREAM] = start
            self.scope.names[EFFECT] = NOTHING
            self.scope.names |= own
            self.block(body)
            return [self.scope.stream]

        return self.scope.region(
            "branch", [start], write, kwargs=lambda: self._captures(body, own), span=place.span
        )

    def _captures(self, body: Sequence[ast.Stmt], own: dict[str, Operand]) -> dict[str, Operand]:
        names = [*own, *assigned(self.checked, body)]
        names = [n for n in dict.fromkeys(names) if n not in (STREAM, EFFECT)]
        captured = self.scope.names
        return {n: captured.get(n, NOTHING) for n in names if not n.startswith(PROBS)}

    def _side(self, stmt: ast.Side) -> None:
        before = dict(self.scope.names)
        self.block(stmt.body)
        if self.scope.emitter.is_closed:
            return
        captures = self._captures(stmt.body, {})
        end, effect = self.scope.stream, self.scope.names.get(EFFECT, NOTHING)
        self.scope.names = before
        self.scope.names[EFFECT] = effect
        if stmt.name is not None:
            self.scope.names[stmt.name.value] = self.scope.emitter.emit(
                "branch",
                before[STREAM],
                end,
                results=[(stmt.name.value, BRANCH)],
                kwargs=captures,
                span=stmt.span,
            )[0]

    def _span(self, stmt: ast.SpanBlock) -> None:
        start = self.scope.stream
        self.block(stmt.body)
        if not self.scope.emitter.is_closed:
            self.scope.names[stmt.name.value] = self.scope.emitter.one(
                stmt.name.value, STR, "slice", start, self.scope.stream, span=stmt.span
            )


def _type(operand: Operand) -> ValueType:
    return operand.type if isinstance(operand, Value) else ANY


def _literal(expr: ast.Expr) -> bool | int | float | str | None:
    match expr:
        case ast.Text(value=value):
            return value
        case ast.Int(value=number) | ast.Float(value=number):
            return number
        case ast.Bool(value=truth):
            return truth
        case ast.Unary(op="-", operand=ast.Int(value=number) | ast.Float(value=number)):
            return -number
    return None


def _domain(type_: t.Type) -> list[bool | str | object | None]:
    """The values of a type of few values; one value of its own, never matched, for any other."""
    match type_:
        case t.Literal(value):
            return [value]
        case t.Bool():
            return [True, False]
        case t.NoneType():
            return [None]
        case t.Optional(inner):
            return [None, *_domain(inner)]
        case t.Union(options):
            return [value for option in options for value in _domain(option)]
    return [object()]
