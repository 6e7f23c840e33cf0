"""What passes know of a module beyond single ops: where values come from, what cannot fail."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.ops import DECODE_HINTS, HINTS
from sglc.compiler.ir.spec import is_total
from sglc.compiler.ir.traits import constant_of, draws, has_content
from sglc.compiler.passes.languages import held_to
from sglc.constraints.language import bounds

_SURE_OPTIONS: Final = frozenset(
    {
        "name",
        "constraint",
        "max_tokens",
        "stop",
        "temperature",
        "rng",
        "path",
        "show",
        "logprob",
        "seam",
    }
    | HINTS.keys()
    | DECODE_HINTS.keys()
)
"""Attributes of a decode that make it fail by no value the verifier takes, temperatures below 0
aside."""


class Definitions:
    """Who makes each value of a function: an op, or the region of an op it is a parameter of."""

    def __init__(self, function: Function) -> None:
        self.ops: dict[Value, Op] = {}
        self.regions: dict[Value, tuple[Op, Region]] = {}
        self._add(function.body)

    def _add(self, region: Region) -> None:
        for op in region.ops:
            self.ops.update(dict.fromkeys(op.results, op))
            for inner in op.regions:
                self.regions.update(dict.fromkeys(inner.params, (op, inner)))
                self._add(inner)

    def has_text(self, stream: Operand) -> bool:
        """Whether a version of a stream surely holds a token."""
        while isinstance(stream, Value):
            made = self.ops.get(stream)
            if made is None:
                owner, region = self.regions.get(stream, (None, None))
                if owner is None or region is None or owner.spec.loop:
                    return False
                stream = owner.args[0]  # a branch begins with the stream that is forked
                continue
            if made.regions or not made.spec.writes_stream:
                return False
            if has_content(made) and not made.attrs.get("special"):
                return True
            stream = made.args[0]
        return False


class Facts:
    """Answers about one module, each worked out once."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._definitions: dict[str, Definitions] = {}
        self._sure: dict[str, bool] = {}
        self._repeatable: dict[str, bool] = {}
        self._shortest: dict[str, int | None] = {}

    def definitions(self, function: Function) -> Definitions:
        """Return who makes the values of ``function``, which is one of this module."""
        if function.name not in self._definitions:
            self._definitions[function.name] = Definitions(function)
        return self._definitions[function.name]

    @cached_property
    def included(self) -> frozenset[str]:
        """The prompts whose stream goes on in a caller."""
        ops = (op for _, op in self.module.walk() if op.spec.calls and op.spec.writes_stream)
        return frozenset(op.symbol or "" for op in ops)

    def is_slow(self, op: Op) -> bool:
        """Whether the op asks the model or a tool, or calls what does. Its regions do not count."""
        if op.spec.calls:
            return (op.symbol or "") in self._slow
        return op.spec.model or op.spec.host

    @cached_property
    def _slow(self) -> frozenset[str]:
        """The functions that ask the model or a tool, by themselves or in what they call."""
        return self._callers_of(lambda op: op.spec.model or op.spec.host)

    def shows_text(self, name: str) -> bool:
        """Whether a call of a function may show a text to an end user."""
        return name in self._showing

    @cached_property
    def _showing(self) -> frozenset[str]:
        return self._callers_of(lambda op: bool(op.attrs.get("show")))

    def _callers_of(self, has: Callable[[Op], bool]) -> frozenset[str]:
        """The functions with such an op in them, or in what they call."""
        callers: dict[str, list[str]] = {}
        found: set[str] = set()
        todo: list[str] = []
        for function, op in self.module.walk():
            if op.spec.calls:
                callers.setdefault(op.symbol or "", []).append(function.name)
            elif has(op):
                todo.append(function.name)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += callers.get(name, ())
        return frozenset(found)

    def is_repeatable(self, op: Op) -> bool:
        """Whether the op, done again on the same operands in the same run, gives the same.

        Its regions are not looked at.
        """
        spec = op.spec
        if op.has_effect or spec.terminator or spec.exits:
            return False
        if spec.host:
            return self.module.tools[op.symbol or ""].effect != "effectful"
        if spec.calls:
            return self._is_repeatable_function(op.symbol or "")
        return spec.pure or (spec.model and not draws(op))

    def _is_repeatable_function(self, name: str) -> bool:
        if name not in self._repeatable:
            self._repeatable[name] = False  # while it is looked at: what calls itself is not
            self._repeatable[name] = all(
                op.spec.terminator or bool(op.spec.exits) or self.is_repeatable(op)
                for op in self.module.functions[name].walk()
            )
        return self._repeatable[name]

    def cannot_fail(self, op: Op, function: Function) -> bool:
        """Whether the op itself, its regions aside, surely has its results.

        A decode counts as sure when its stream is not empty and its constraint, if it has one, has
        a member of at most ``max_tokens`` bytes. What a call limits, its depth, counts for nothing.
        """
        if op.spec.regions:
            return self._can_choose(op, function)
        if op.spec.model:
            return self._decodes(op, function)
        if op.spec.calls:
            return not op.has_effect and self._is_sure_function(op.symbol or "")
        return is_total(op)

    def _can_choose(self, op: Op, function: Function) -> bool:
        """Whether a control op surely finds something to run."""
        spec = op.spec
        catches = frozenset[str]().union(*(region.catches for region in spec.regions))
        if spec.total or "failure" in catches:
            return True  # one of two regions, whatever the operand is
        if "cond" in catches:
            limit = op.args[0]
            return isinstance(limit, Literal) and type(limit.value) is int
        if spec.region("case") is not None:
            return any(region.label == "else" for region in op.regions)
        if spec.reads_stream and len(op.args) == 1:
            return True
        items = op.args[1 if spec.reads_stream else 0]
        if isinstance(items, tuple):
            return True
        made = self.definitions(function).ops.get(items) if isinstance(items, Value) else None
        if made is None:
            return False
        declared = made.spec.results or ()
        is_list = any(type_.name in ("list", "group") for type_ in declared)
        return is_list or isinstance(constant_of(made), tuple)

    def _decodes(self, op: Op, function: Function) -> bool:
        if not op.spec.site:
            return self._scores(op, function)
        temperature = op.attrs.get("temperature", 0)
        choices = held_to(op, self.module) if op.kwarg("choices") is not None else None
        if len(op.kwargs) > (choices is not None) or not op.attrs.keys() <= _SURE_OPTIONS:
            return False
        if not isinstance(temperature, int | float) or not 0 <= temperature < float("inf"):
            return False
        stop = op.attrs.get("stop", ())
        if not isinstance(stop, tuple) or not all(stop):
            return False
        if not self.definitions(function).has_text(op.args[0]):
            return False
        constraint, limit = op.attrs.get("constraint"), op.attrs.get("max_tokens")
        if choices is not None:
            return not stop and isinstance(limit, int) and bounds(choices).min_bytes <= limit
        if not isinstance(constraint, Symbol):
            return constraint is None
        shortest = self._min_bytes(constraint.name)
        return not stop and shortest is not None and isinstance(limit, int) and shortest <= limit

    def _scores(self, op: Op, function: Function) -> bool:
        choices = op.args[1]
        texts = isinstance(choices, tuple) and all(
            isinstance(choice, Literal) and isinstance(choice.value, str) and choice.value
            for choice in choices
        )
        is_plain = op.attrs.get("tokenizations", "canonical") == "canonical"
        if not texts or not choices or not is_plain:
            return False
        return self.definitions(function).has_text(op.args[0])

    def _min_bytes(self, constraint: str) -> int | None:
        if constraint not in self._shortest:
            try:
                shortest = bounds(self.module.constraints[constraint]).min_bytes
            except ValueError:  # no members, or a part of it is wrong: that is told when it runs
                self._shortest[constraint] = None
            else:
                self._shortest[constraint] = shortest
        return self._shortest[constraint]

    def _is_sure_function(self, name: str) -> bool:
        """Whether a call surely ends with a value, and nothing but the value can be seen."""
        if name not in self._sure:
            self._sure[name] = False  # while it is looked at: what calls itself may not end
            function = self.module.functions[name]
            self._sure[name] = all(self._is_sure(op, function) for op in function.walk())
        return self._sure[name]

    def _is_sure(self, op: Op, function: Function) -> bool:
        if op.spec.host or op.has_effect or op.attrs.get("show") or "failure" in op.spec.exits:
            return False
        return op.spec.terminator or bool(op.spec.exits) or self.cannot_fail(op, function)
