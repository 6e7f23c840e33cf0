"""Functions and modules, and questions about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sglc.compiler.ir.op import AttrValue, Op, Operand, Region, Value, substitute
from sglc.compiler.ir.op import walk as walk_ops
from sglc.compiler.plan.plan import ToolSpec as ToolDecl
from sglc.constraints.types import MISSING, Type

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place

__all__ = [
    "Function",
    "Module",
    "Param",
    "ToolDecl",
    "definitions",
    "equal",
    "free_values",
    "replace_values",
    "rewrite",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter: its value, the exact type of its arguments, a default or MISSING."""

    value: Value
    type: Type
    default: object = MISSING

    @property
    def name(self) -> str:
        return self.value.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A ``prompt`` or an ``fn``. ``result`` is None when the captures are the result.

    The body's first ``stream`` op that is not ``fresh`` is the entry stream of a prompt: where it
    is included, that value is the caller's stream.
    """

    kind: str
    name: str
    params: tuple[Param, ...] = ()
    result: Type | None = None
    body: Region
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    doc: str = ""
    span: Place | None = None

    def walk(self) -> Iterator[Op]:
        """Yield every op, outer first, in program order."""
        return walk_ops(self.body.ops)

    def definitions(self) -> dict[Value, Op | Region | None]:
        """Return every value with the op or region that defines it; None for parameters."""
        found: dict[Value, Op | Region | None] = {p.value: None for p in self.params}
        return found | definitions(self.body)

    @property
    def entry_stream(self) -> Value | None:
        """The stream a prompt begins with: the result of the first ``stream`` op of the body."""
        return next((op.result for op in self.body.ops if is_entry(op)), None)

    def with_body(self, body: Region) -> Function:
        return replace(self, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A whole program: functions, constraints and tools by name, imports resolved.

    ``hints`` are what passes let the runtime do for the program as a whole (``ops.MODULE_HINTS``);
    they change nothing of what it means.
    """

    functions: Mapping[str, Function] = field(default_factory=dict)
    constraints: Mapping[str, Type] = field(default_factory=dict)
    tools: Mapping[str, ToolDecl] = field(default_factory=dict)
    config: Mapping[str, AttrValue] = field(default_factory=dict)
    hints: Mapping[str, AttrValue] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def with_function(self, function: Function) -> Module:
        """Return a module with one function added or replaced."""
        return replace(self, functions={**self.functions, function.name: function})

    def with_hint(self, name: str, value: AttrValue) -> Module:
        """Return a module with one hint added or replaced."""
        return replace(self, hints={**self.hints, name: value})

    def walk(self) -> Iterator[tuple[Function, Op]]:
        """Yield every op of every function."""
        for function in self.functions.values():
            for op in function.walk():
                yield function, op

    def canonical(self) -> str:
        """Return the JSON form without places, with sorted keys: equal means equal structure."""
        from sglc.compiler.ir.serial import to_data

        return json.dumps(to_data(self, places=False), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """sha256 of the canonical form."""
        return "sha256:" + hashlib.sha256(self.canonical().encode()).hexdigest()


def equal(a: Module, b: Module) -> bool:
    """Whether two modules are the same but for places."""
    return a.canonical() == b.canonical()


def is_entry(op: Op) -> bool:
    """Whether the op, if it is the first like it in a prompt's body, is where the prompt begins."""
    return op.name == "stream" and not op.attrs.get("fresh")


def definitions(region: Region) -> dict[Value, Op | Region | None]:
    """Return the values a region defines, those of nested regions included."""
    found: dict[Value, Op | Region | None] = dict.fromkeys(region.params, region)
    for op in region.ops:
        found.update(dict.fromkeys(op.results, op))
        for inner in op.regions:
            found.update(definitions(inner))
    return found


def rewrite(region: Region, change: Callable[[Op], Sequence[Op]]) -> Region:
    """Return the region with each op replaced by those that ``change`` makes of it.

    Ops inside of regions come before the op around them. A region in which nothing changes is
    returned as it is.
    """
    made: list[Op] = []
    for op in region.ops:
        regions = tuple(rewrite(inner, change) for inner in op.regions)
        if any(new is not old for new, old in zip(regions, op.regions, strict=True)):
            op = op.with_(regions=regions)
        made += change(op)
    if len(made) == len(region.ops) and all(a is b for a, b in zip(made, region.ops, strict=True)):
        return region
    return replace(region, ops=tuple(made))


def free_values(part: Region | Op) -> tuple[Value, ...]:
    """Return the values that ``part`` reads but does not define, in the order of first use."""
    found: dict[Value, None] = {}
    if isinstance(part, Op):
        found.update(dict.fromkeys(part.inputs()))
        for region in part.regions:
            found.update(dict.fromkeys(free_values(region)))
        return tuple(found)
    bound = set(part.params)
    for op in part.ops:
        found.update((value, None) for value in free_values(op) if value not in bound)
        bound.update(op.results)
    return tuple(found)


def replace_values(region: Region, mapping: Mapping[Value, Operand]) -> Region:
    """Return the region with values replaced wherever they are read."""
    return replace(region, ops=tuple(_replace_in(op, mapping) for op in region.ops))


def _replace_in(op: Op, mapping: Mapping[Value, Operand]) -> Op:
    return op.with_(
        args=tuple(substitute(arg, mapping) for arg in op.args),
        kwargs=tuple((key, substitute(arg, mapping)) for key, arg in op.kwargs),
        regions=tuple(replace_values(region, mapping) for region in op.regions),
    )
