"""``test`` blocks: what they run and expect, as functions beside the program's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked, PromptInfo
from sglc.compiler.frontend.graph.calls import ConstraintTable, ModelCalls
from sglc.compiler.frontend.graph.emitter import Emitter
from sglc.compiler.frontend.graph.expressions import Expressions
from sglc.compiler.frontend.graph.regions import Scope
from sglc.compiler.ir.graph import Function, Module, Param
from sglc.compiler.ir.op import Literal, Operand, Region
from sglc.compiler.ir.values import ANY
from sglc.compiler.source import Span
from sglc.constraints.types import AnyType


@dataclass(frozen=True, slots=True)
class RunStep:
    """``name = run prompt(…) using mock(…)``, or ``using recording(…)``.

    ``arguments`` and ``mock`` name functions of the runs before it, by their names, that give
    records; so does ``recording``, of which ``file`` is the file. Without both the prompt runs on
    a model.
    """

    name: str
    prompt: str
    arguments: str
    mock: str | None
    recording: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectStep:
    """``expect condition, message``; ``function`` gives ``{holds, message}``."""

    function: str
    span: Span


@dataclass(frozen=True, slots=True)
class TestCase:
    """One ``test`` block."""

    title: str
    steps: tuple[RunStep | ExpectStep, ...]


def build_tests(checked: Checked, module: Module) -> tuple[Module, tuple[TestCase, ...]]:
    """Return the module with the functions of its tests, and the tests."""
    functions: dict[str, Function] = {}
    cases = []
    for number, test in enumerate(checked.tests, start=1):
        writer = _Writer(checked, f"test.{number}", functions)
        steps = tuple(writer.step(stmt) for stmt in test.body)
        cases.append(TestCase(test.title.value or "", steps))
    return replace(module, functions={**module.functions, **functions}), tuple(cases)


@dataclass
class _Writer:
    """Writes the functions of one test; they all take the runs so far."""

    checked: Checked
    prefix: str
    functions: dict[str, Function]
    runs: tuple[str, ...] = ()

    def step(self, stmt: ast.TestStmt) -> RunStep | ExpectStep:
        if isinstance(stmt, ast.Expect):
            return ExpectStep(self._function(lambda e: _expectation(e, stmt)), stmt.span)
        assert isinstance(stmt.call, ast.Call)
        call, callee = stmt.call, self.checked.callee(stmt.call)
        assert isinstance(callee, PromptInfo)
        arguments = self._function(
            lambda e: {p.name: value for p, value in e.arguments(call, callee.params)}
        )
        mock, recording = None, None
        match stmt.using:
            case ast.Call(callee=ast.Var(name="recording"), args=(file,)):
                recording = self._function(lambda e: {"file": e.evaluate(file)})
            case ast.Call(kwargs=texts):
                mock = self._function(lambda e: {k.name.value: e.evaluate(k.value) for k in texts})
        self.runs = tuple(dict.fromkeys((*self.runs, stmt.name.value)))
        return RunStep(stmt.name.value, callee.symbol, arguments, mock, recording, stmt.span)

    def _function(self, fields: Callable[[Expressions], dict[str, Operand]]) -> str:
        """Add a function of the runs so far that returns a record, and return its name."""
        scope = Scope(Emitter())
        params = _params(scope, self.runs)
        made = fields(
            Expressions(self.checked, scope, ModelCalls(self.checked, scope, ConstraintTable()))
        )
        record = scope.emitter.emit("record", results=[("fields", ANY)], kwargs=made)[0]
        scope.emitter.emit("return", kwargs={"result": record})
        name = f"{self.prefix}.{len(self.functions)}"
        self.functions[name] = Function(
            kind="fn",
            name=name,
            params=params,
            result=AnyType(),
            body=Region(ops=tuple(scope.emitter.ops)),
        )
        return name


def _params(scope: Scope, runs: Sequence[str]) -> tuple[Param, ...]:
    params = []
    for name in runs:
        value = scope.emitter.parameter(name, ANY)
        scope.names[name] = value
        params.append(Param(value=value, type=AnyType()))
    return tuple(params)


def _expectation(expressions: Expressions, stmt: ast.Expect) -> dict[str, Operand]:
    message: Operand = Literal("")
    holds = expressions.evaluate(stmt.condition)
    if stmt.message is not None:
        message = expressions.evaluate(stmt.message)
    return {"holds": holds, "message": message}
