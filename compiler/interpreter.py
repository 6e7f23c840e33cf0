"""The reference interpreter: what a module means, op after op, in program order.

No futures, no batches, no cache. Every other way to run a program is right when it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.ops import SAMPLING
from sglc.compiler.ir.traits import capture_of, draws_by_stream
from sglc.compiler.plan.data import (
    DATA_OPS,
    Branch,
    DataError,
    equal,
    evaluate,
    format_value,
    truth,
)
from sglc.compiler.plan.seeds import seed_key
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Special, Text, alternating
from sglc.compiler.plan.select import distinct_choices
from sglc.compiler.plan.sites import leaves_prompt, path_numbers
from sglc.compiler.reference import Decode, decode, select, select_all
from sglc.compiler.reference_calls import (
    Break,
    CondFalse,
    Continue,
    Failure,
    Outcome,
    Return,
    bind,
    effect_of,
    has_result,
    items_of,
)
from sglc.compiler.reference_stream import ReferenceModel, Stream
from sglc.constraints.types import Literal as LiteralType
from sglc.constraints.types import Type
from sglc.constraints.types import Union as UnionType

__all__ = ["Failure", "OutOfSteps", "Outcome", "ReferenceModel", "Stream", "interpret"]

MAX_DEPTH = 100
Tools = Mapping[str, Callable[..., Any]]


def interpret(
    module: Module,
    entry: str,
    arguments: Mapping[str, Any],
    model: ReferenceModel,
    *,
    seed: int = 0,
    instance: int = 0,
    tools: Tools | None = None,
    max_steps: int | None = None,
) -> Outcome:
    """Run function ``entry`` of a module that the verifier accepts.

    Raises:
        OutOfSteps: it runs more than ``max_steps`` ops.
        KeyError: there is no such function, or it calls a tool that is not in ``tools``.
        TypeError: ``arguments`` are not those of its parameters.
    """
    steps = None if max_steps is None else iter(range(max_steps))
    world = _World(module, model, seed, instance, tools or {}, steps)
    function = module.functions[entry]
    given = bind(function, (), dict(arguments))
    try:
        stream, returned = _Frame(world, function, given, (), Stream(model), 0).run()
    except Failure as failure:
        return Outcome(error=failure)
    value = returned["result"] if has_result(function) else returned
    return Outcome(value, world.named | returned, stream.text, stream.messages())


@dataclass(frozen=True, slots=True)
class _World:
    module: Module
    model: ReferenceModel
    seed: int
    instance: int
    tools: Tools
    steps: Iterator[int] | None
    named: dict[str, Any] = field(default_factory=dict)


class OutOfSteps(Exception):
    """A run takes more ops than it may."""


class _Frame:
    """One call of a function."""

    def __init__(
        self,
        world: _World,
        function: Function,
        arguments: Mapping[str, Any],
        path: tuple[int, ...],
        entry: Stream,
        depth: int,
    ) -> None:
        if depth > MAX_DEPTH:
            raise Failure("calls are nested too deep")
        self.world = world
        self.function = function
        self.path = path
        self.entry = entry
        self.depth = depth
        self.is_main = depth == 0
        self.env: dict[Value, Any] = {p.value: arguments[p.name] for p in function.params}

    def run(self) -> tuple[Stream, dict[str, Any]]:
        try:
            self.region(self.function.body)
        except Return as leave:
            stream = leave.values[0] if leave.values else self.entry
            return stream, dict(leave.captures)
        raise AssertionError("a function ends by return or fail")

    def value(self, operand: Operand) -> Any:
        match operand:
            case Value():
                return self.env[operand]
            case Literal(value):
                return value
            case tuple():
                return [self.value(item) for item in operand]
        raise AssertionError(f"{operand} is no value")

    def region(self, region: Region, *values: Any) -> tuple[list[Any], dict[str, Any]]:
        """Run a region; return what it yields."""
        self.env.update(zip(region.params, values, strict=True))
        for op in region.ops:
            if self.world.steps is not None and next(self.world.steps, None) is None:
                raise OutOfSteps
            args = [self.value(arg) for arg in op.args if not isinstance(arg, Symbol)]
            kwargs = {key: self.value(arg) for key, arg in op.kwargs}
            if op.spec.terminator:
                return self.leave(op, args, kwargs)
            with self.place(op):
                results = self.execute(op, args, kwargs)
            name = capture_of(op)
            if name is not None and self.is_main:
                self.world.named[name] = results[1]
            self.env.update(zip(op.results, results, strict=True))
        raise AssertionError("a region ends with a terminator")

    def leave(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
        match op.name:
            case "break":
                raise Break(args, kwargs)
            case "continue":
                raise Continue(args, kwargs)
            case "return":
                raise Return(args, kwargs)
            case "fail":
                raise Failure(format_value(args[0]) if args else "the program failed", op)
        return args, kwargs

    def execute(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
        """Return the results of an op; what goes wrong in it becomes a failure at this op."""
        try:
            if op.name in DATA_OPS:
                return [evaluate(op.name, args, kwargs, op.attrs)]
            if op.spec.hint:
                return []
            handler = getattr(self, "op_" + op.name.replace(".", "_"))
            results: Sequence[Any] = handler(op, args, kwargs)
            return results
        except ValueError as error:  # DataError, a text that does not parse, a bad option
            raise Failure(str(error), op) from error

    @contextmanager
    def place(self, op: Op) -> Iterator[None]:
        """Stand where the op was before a pass took it out of turns, branches and calls."""
        path = op.attrs.get("path")
        before = self.path, self.is_main
        if isinstance(path, str):
            self.path = (*self.path, *path_numbers(path))
            self.is_main = self.is_main and not leaves_prompt(path)
        try:
            yield
        finally:
            self.path, self.is_main = before

    @contextmanager
    def turn(self, index: int) -> Iterator[None]:
        """Add a step to the path of random numbers."""
        before, self.path = self.path, (*self.path, index)
        try:
            yield
        finally:
            self.path = before

    def op_stream(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [self.entry if op.result == self.function.entry_stream else Stream(self.world.model)]

    def op_put(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        text = format_value(args[1])
        return [args[0].append(Special(text) if op.attrs.get("special") else Text(text))]

    def op_markup(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        stream = args[0]
        for segment in alternating(args[1]):
            stream = stream.append(segment)
        return [stream]

    def op_role_begin(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [args[0].append(RoleBegin(str(op.attrs["role"])))]

    def op_role_end(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [args[0].append(RoleEnd(str(op.attrs["role"])))]

    def op_child(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        stream: Stream = args[0]
        return [stream.with_lineage(stream.lineage.child(*args[1:]))]

    def op_media(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        raise DataError("the reference model sees no images")

    def op_gen(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        from sglc.constraints.language import end_rule, language, max_tokens_of, parse, until

        stream: Stream = args[0]
        options = {**op.attrs, **kwargs}
        type_ = self.generated(op, kwargs)
        stop, healing = options.get("stop") or (), options.get("healing", False)
        stop = (stop,) if isinstance(stop, str) else tuple(stop)
        type_ = None if type_ is None else until(type_, stop)
        max_tokens = options["max_tokens"]
        if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
            raise DataError(f"`max_tokens` must be at least 1, not {max_tokens}")
        most = None if type_ is None else max_tokens_of(type_)
        spec = Decode(
            max_tokens=max_tokens if most is None else min(max_tokens, most),
            key=self.key(op, stream),
            stop=stop,
            machine=None if type_ is None else language(type_),
            end="eos" if type_ is None else end_rule(type_),
            healing=healing,
            sampling={name: options[name] for name in SAMPLING if name in options},
        )
        text, logprob = decode(stream.model, stream.segments, spec)
        after = stream.decoded(text, logprob if op.attrs.get("logprob") else 0.0)
        return [after, text if type_ is None else parse(type_, text)]

    def generated(self, op: Op, kwargs: Mapping[str, Any]) -> Type | None:
        """The type a ``gen`` is held to: that of its constraint, or one of its choices."""
        if "choices" in kwargs:
            return UnionType(tuple(map(LiteralType, distinct_choices(kwargs["choices"]))))
        symbol = op.attrs.get("constraint")
        return self.world.module.constraints[symbol.name] if isinstance(symbol, Symbol) else None

    def op_select(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        stream: Stream = args[0]
        choices = distinct_choices(args[1])
        if op.attrs.get("tokenizations") == "all":
            winner, shares = select_all(stream.model, stream.segments, choices)
        else:
            method = str(op.attrs.get("by", "token_avg"))
            winner, shares = select(stream.model, stream.segments, choices, method)
        text = choices[winner]
        return [stream.append(Text(text)), text, dict(zip(choices, shares, strict=True))]

    def op_slice(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [args[1].since(args[0])]

    def op_text(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [args[0].text]

    def op_messages(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [args[0].messages()]

    def key(self, op: Op, stream: Stream) -> int:
        if draws_by_stream(op):
            return stream.lineage.key(self.world.seed, self.world.instance)
        return seed_key(self.world.seed, self.world.instance, self.path, str(op.attrs["rng"]))

    def op_fork(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        if len(args) == 1:
            named = {}
            for index, region in enumerate(op.regions):
                with self.turn(index):
                    named[str(region.case[0])] = self.branch(region, args[0])
            return [named]
        branches = []
        for index, item in enumerate(items_of(args[1])):
            with self.turn(index):
                extra = [index] if len(op.regions[0].params) == 3 else []
                branches.append(self.branch(op.regions[0], args[0], item, *extra))
        return [tuple(branches)]

    def branch(self, region: Region, start: Stream, *values: Any) -> Branch:
        was_main, self.is_main = self.is_main, False
        try:
            (end,), captures = self.region(region, start, *values)
        finally:
            self.is_main = was_main
        return Branch(captures, end.since(start), end, end.logprob - start.logprob)

    def op_branch(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        start, end = args
        return [Branch(kwargs, end.since(start), end, end.logprob - start.logprob)]

    def op_if(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        label = "do" if truth(args[0]) else "else"
        return self.region(next(r for r in op.regions if r.label == label))[0]

    def op_match(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        for region in op.regions:
            if region.label == "else" or any(equal(args[0], case) for case in region.case):
                return self.region(region)[0]
        raise DataError("no case matches")

    def op_for(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        carried = args[1:]
        for index, item in enumerate(items_of(args[0])):
            lead = [item, index] if op.attrs.get("index") else [item]
            with self.turn(index):
                try:
                    carried = self.region(op.regions[0], *lead, *carried)[0]
                except Continue as leave:
                    carried = list(leave.values)
                except Break as leave:
                    return list(leave.values)
        return carried

    def op_while(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        limit, carried = args[0], args[1:]
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise DataError("the limit of a loop is an integer")
        for index in range(limit):
            with self.turn(index):
                try:
                    carried = self.region(op.regions[0], *carried)[0]
                except Continue as leave:
                    carried = list(leave.values)
                except Break as leave:
                    return list(leave.values)
                except CondFalse:
                    return carried
        return carried

    def op_cond(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        if not truth(args[0]):
            raise CondFalse
        return []

    def op_try(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        try:
            return self.region(op.regions[0])[0]
        except Failure:
            return self.region(op.regions[1])[0]

    def op_check(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        if not truth(args[0]):
            raise DataError(format_value(args[1]) if len(args) > 1 else "a check failed")
        return []

    def op_map(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return [[self.each(op, i, item) for i, item in enumerate(items_of(args[0]))]]

    def op_filter(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        items = items_of(args[0])
        return [[item for i, item in enumerate(items) if truth(self.each(op, i, item))]]

    def each(self, op: Op, index: int, item: Any) -> Any:
        with self.turn(index):
            return self.region(op.regions[0], item)[0][0]

    def op_call(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return effect_of(op) + self.call(op, args, kwargs, Stream(self.world.model))[1:]

    def op_include(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        return effect_of(op) + self.call(op, args[1:], kwargs, args[0])

    def call(self, op: Op, args: list[Any], kwargs: dict[str, Any], entry: Stream) -> list[Any]:
        function = self.world.module.functions[op.symbol or ""]
        if op.after is not None:
            kwargs = {key: self.value(arg) for key, arg in op.kwargs[:-1]}
        path = (*self.path, int(str(op.attrs["rng"])))
        given = bind(function, args, kwargs)
        stream, captures = _Frame(self.world, function, given, path, entry, self.depth + 1).run()
        return [stream, captures["result"] if has_result(function) else captures]

    def op_tool(self, op: Op, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        pairs = op.kwargs[:-1] if op.after is not None else op.kwargs
        tool = self.world.tools[op.symbol or ""]
        try:
            result = tool(**{key: self.value(arg) for key, arg in pairs})
        except Exception as error:  # whatever host code does
            raise Failure(f"{op.symbol}: {error}", op) from error
        return [*effect_of(op), result]
