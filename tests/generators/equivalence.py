"""What it means that a pass changes nothing: the same outcome, calls of tools and first error."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from generators.hash_model import TOKENIZER, HashModel, expect_same, plain, scheduler
from hypothesis import reject

from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.interpreter import Outcome, interpret
from sglc.compiler.ir.graph import Module, equal, replace_values
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.ir.values import STREAM
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context, Markup
from sglc.compiler.passes.pipeline import PLAN, Pipeline, level, parse_pipeline
from sglc.compiler.passes.registry import PASSES
from sglc.compiler.plan.seeds import BY_STREAM
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.markup import TemplateMarkup
from sglc.runtime.tokenizer.prompt import PromptEncoder

MakeTools = Callable[[list[str]], dict[str, Callable[..., Any]]]


def with_twins(module: Module, order: random.Random) -> Module:
    """Do some ops twice, on the same operands; what follows reads the values of the second."""
    made = {}
    for name, function in module.functions.items():
        mapping: dict[Value, Operand] = {}
        body = _doubled(function.body, function.entry_stream, mapping, order)
        made[name] = function.with_body(replace_values(body, mapping))
    return replace(module, functions=made)


def _doubled(
    region: Region, entry: Value | None, mapping: dict[Value, Operand], order: random.Random
) -> Region:
    ops: list[Op] = []
    for op in region.ops:
        inner = tuple(_doubled(r, entry, mapping, order) for r in op.regions)
        op = op.with_(regions=inner)
        ops.append(op)
        plain_op = not (op.regions or op.spec.terminator or op.spec.exits or op.has_effect)
        if not plain_op or entry in op.results or order.random() < 0.7:
            continue
        twins = {value: Value(f"{value.name}.twin", value.type) for value in op.results}
        attrs = dict(op.attrs)
        if attrs.get("rng", BY_STREAM) != BY_STREAM:
            attrs["rng"] = f"9{attrs['rng']}"
        if op.spec.model and "name" in attrs and order.random() < 0.5:
            attrs["name"] = f"{attrs['name']}_twin"
        ops.append(op.with_(results=tuple(twins.values()), attrs=attrs))
        mapping.update({v: twin for v, twin in twins.items() if v.type != STREAM})
    return replace(region, ops=tuple(ops))


def chat_markup(module: Module) -> Markup | None:
    """What is written for roles on the hash model."""
    return TemplateMarkup.of(TOKENIZER, CHATML)


def optimize(module: Module, pipeline: Pipeline, entry: str | None = None) -> Module:
    """Run a pipeline, verifying before and after each pass.

    With an ``entry``, for runs that start there and of which only the value is looked at.
    """
    checked = replace(pipeline, verify=True)
    roots = None if entry is None else frozenset({entry})
    context = Context(roots, entry is not None, evaluate_function, markup=chat_markup)
    return checked.run(module, context)


def pipelines(order: random.Random) -> list[Pipeline]:
    """Every level, some passes alone, and the passes in a random order, some of them twice.

    Which ones is drawn for each program: over many programs every pass has its turn.
    """
    names = [order.choice(list(PASSES)) for _ in range(2 * len(PASSES))]
    texts = [*order.sample(list(PASSES), 3), ",".join(names)]
    return [*map(level, PLAN), *map(parse_pipeline, texts)]


def expect_idempotent(module: Module, order: random.Random) -> None:
    """A pass, run a second time, leaves the module as it is and reports nothing."""
    for name in order.sample(list(PASSES), 3):
        (each,) = parse_pipeline(name).passes
        once = each.run(module, Context(evaluate=evaluate_function, markup=chat_markup))
        again = Context(evaluate=evaluate_function, markup=chat_markup)
        assert equal(each.run(once, again), once), name
        assert not again.changes, name


class Reference:
    """The outcome of a module in the interpreter; ``expect`` compares another module with it."""

    def __init__(
        self, module: Module, entry: str, arguments: Mapping[str, Any], make_tools: MakeTools
    ) -> None:
        self.module = module
        self.entry = entry
        self.arguments = arguments
        self.make_tools = make_tools
        self.model = HashModel()
        self.outcome, self.log = self.interpreted(module, make_tools)

    def interpreted(self, module: Module, make_tools: MakeTools) -> tuple[Outcome, list[str]]:
        log: list[str] = []
        outcome = interpret(
            module, self.entry, self.arguments, self.model, seed=3, tools=make_tools(log)
        )
        return outcome, log

    def without_unasked(self, made: Module) -> Reference:
        """What is right where ``made`` need not ask tools that change nothing.

        Those that it does not ask have not failed, and what they give is read by nobody.
        """
        if self.outcome.error is None:
            return self
        asked = Asked(self.module, self.make_tools)
        found, _ = self.interpreted(made, asked.noting)
        other = copy(self)
        other.outcome, other.log = self.interpreted(self.module, asked.forgiving)
        if found.error is None and other.outcome.error is not None and asked.num_failed:
            reject()  # it failed, and was caught, elsewhere: the calls cannot be told apart
        return other

    def expect(self, module: Module, *, by_value: bool = False) -> None:
        """The interpreter gives the same for ``module``, tool calls before an error included.

        ``by_value``: text and captures of an entry that declares a result are not compared.
        """
        outcome, log = self.interpreted(module, self.make_tools)
        assert log == self.log
        assert (outcome.error is None) == (self.outcome.error is None), outcome.error
        if outcome.error is not None and self.outcome.error is not None:
            assert outcome.error.reason == self.outcome.error.reason
        assert plain(outcome.value) == plain(self.outcome.value)
        if by_value and module.functions[self.entry].result is not None:
            return
        assert plain(outcome.captures) == plain(self.outcome.captures)
        assert outcome.text == self.outcome.text
        assert outcome.messages == self.outcome.messages

    def expect_run(self, module: Module, **limits: int) -> None:
        """The executor gives the same for ``module``, and leaves nothing in the backend."""
        log: list[str] = []
        backend = scheduler(20_000, **limits)
        executor = Executor(
            backend,
            PromptEncoder(TOKENIZER, CHATML),
            tools=ToolRegistry(self.make_tools(log)),
        )
        plan = plan_from_data(plan_to_data(lower_module(module, self.entry)))
        run = executor.submit(plan, self.arguments, seed=3)
        executor.run_until_idle()
        executor.close()
        expect_same(run.result(), self.outcome)
        if self.outcome.error is None:
            assert log == self.log
        assert backend.idle
        assert backend.snapshot().num_held == backend.slot_usage.held == 0
        backend.flush_cache()
        assert backend.slot_usage.free == backend.slot_usage.total


class Asked:
    """Tools that change nothing: which calls of them were made, and how many failed."""

    def __init__(self, module: Module, make_tools: MakeTools) -> None:
        self.make_tools = make_tools
        self.names = {n for n, tool in module.tools.items() if tool.effect != "effectful"}
        self.calls: set[str] = set()
        self.num_failed = 0

    def noting(self, log: list[str]) -> dict[str, Callable[..., Any]]:
        return self._wrapped(log, self._noted)

    def forgiving(self, log: list[str]) -> dict[str, Callable[..., Any]]:
        """The same tools; a call that was not noted does not fail."""
        return self._wrapped(log, self._forgiven)

    def _wrapped(
        self, log: list[str], call: Callable[[Callable[..., Any], str, Any], Any]
    ) -> dict[str, Callable[..., Any]]:
        tools = self.make_tools(log)
        return tools | {
            name: lambda name=name, **given: call(tools[name], name, given) for name in self.names
        }

    def _noted(self, function: Callable[..., Any], name: str, given: Any) -> Any:
        self.calls.add(f"{name} {given}")
        try:
            return function(**given)
        except LookupError:
            self.num_failed += 1
            raise

    def _forgiven(self, function: Callable[..., Any], name: str, given: Any) -> Any:
        try:
            return function(**given)
        except LookupError:
            if f"{name} {given}" in self.calls:
                raise
            return "?"


def expect_equivalent(reference: Reference, module: Module, order: random.Random) -> None:
    """Every pipeline gives what the reference gives; the last level also in the executor.

    Where tools are dropped, what it gives when those do not fail.
    """
    verify(module)
    seen: list[Module] = []
    for pipeline in pipelines(order):
        made = optimize(module, pipeline)
        if not any(equal(made, other) for other in (module, *seen)):
            drops = any(getattr(each, "drop_tools", False) for each in pipeline.passes)
            (reference.without_unasked(made) if drops else reference).expect(made)
            seen.append(made)
    best = level(max(PLAN))
    # With few rows, streams that are held for a call make way for others, and are parked.
    made = optimize(module, best)
    reference.without_unasked(made).expect_run(made, max_running=order.choice([1, 2, 256]))
    made = optimize(module, best, reference.entry)
    reference.without_unasked(made).expect(made, by_value=True)
    expect_idempotent(module, order)
