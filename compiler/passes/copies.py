"""Ops written once more: with values of their own, and the path they stood under."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import AttrValue, Op, Operand, Region, Value, substitute, walk
from sglc.compiler.ir.traits import makes_branch, starts_stream
from sglc.compiler.ir.values import EFFECT, STREAM, ValueType
from sglc.compiler.plan.sites import joined

_NUMBER: Final = re.compile(r"\.\d+$")
_LOOSE: Final = ("branch", "group")  # a type that names their captures is as good as one that not


class Names:
    """Makes values whose names a function does not have yet: ``%s3`` gives ``%s3.1``."""

    def __init__(self, function: Function) -> None:
        self._taken = {param.value.name for param in function.params}
        self._taken.update(value.name for value in _defined(function.body))
        self._last: Counter[str] = Counter()

    def fresh(self, name: str, type_: ValueType) -> Value:
        """Return a new value called after ``name``."""
        stem = _NUMBER.sub("", name)
        while True:
            self._last[stem] += 1
            made = f"{stem}.{self._last[stem]}"
            if made not in self._taken:
                self._taken.add(made)
                return Value(made, type_)


def _defined(region: Region) -> Iterator[Value]:
    yield from region.params
    for op in walk(region.ops):
        yield from op.results
        for inner in op.regions:
            yield from inner.params


class Copy:
    """One copy of ops in the regions, or in the callee, of the op ``of``.

    ``values`` says what each value of the original is in the copy. The path of the op and ``step``
    are put in front of the paths of ops: of those that draw, call or tell something, and of those
    in whose regions the path goes on. A stream that begins in the copy is never the one a prompt
    is entered with.
    """

    def __init__(self, names: Names, of: Op, step: str) -> None:
        own = of.attrs.get("path")
        self.names = names
        self.path = joined(own, step) if isinstance(own, str) else step
        self.values: dict[Value, Operand] = {}

    def bind(self, value: Value, operand: Operand, like: Op) -> list[Op]:
        """Let a value be ``operand``: as it is, or by an op that keeps its name and its type."""
        if stands_for(operand, value):
            self.values[value] = operand
            return []
        made = self.names.fresh(value.name, value.type)
        self.values[value] = made
        return [constant(made, operand, like)]

    def ops(self, ops: Iterable[Op]) -> list[Op]:
        """Return the copies, to stand one behind the other."""
        return [self._op(op) for op in ops]

    def operand(self, operand: Operand) -> Operand:
        """Return what an operand of the original is in the copy."""
        return substitute(operand, self.values)

    def _op(self, op: Op) -> Op:
        args = tuple(map(self.operand, op.args))
        kwargs = tuple((key, self.operand(arg)) for key, arg in op.kwargs)
        attrs: dict[str, AttrValue] = dict(op.attrs)
        path = op.attrs.get("path")
        is_placed = "path" in op.spec.attrs and (path is not None or not makes_branch(op))
        if is_placed and self.path:
            attrs["path"] = joined(self.path, path if isinstance(path, str) else None)
        if starts_stream(op):
            attrs["fresh"] = True
        outer, self.path = self.path, "" if is_placed else self.path
        regions = tuple(map(self._region, op.regions))
        self.path = outer
        results = tuple(map(self._fresh, op.results))
        return op.with_(args=args, kwargs=kwargs, attrs=attrs, regions=regions, results=results)

    def _region(self, region: Region) -> Region:
        params = tuple(map(self._fresh, region.params))
        return Region(
            label=region.label, case=region.case, params=params, ops=tuple(self.ops(region.ops))
        )

    def _fresh(self, value: Value) -> Value:
        made = self.names.fresh(value.name, value.type)
        self.values[value] = made
        return made


def stands_for(operand: Operand, value: Value) -> bool:
    """Whether an operand may be read wherever ``value`` is, for all that types say."""
    if value.type in (STREAM, EFFECT):
        return True
    if not isinstance(operand, Value):
        return False
    return operand.type == value.type or (
        operand.type.name == value.type.name and operand.type.name in _LOOSE
    )


def constant(value: Value, operand: Operand, like: Op) -> Op:
    """Return the op that makes ``value`` of an operand, at the place of ``like``."""
    return Op(name="const", results=(value,), args=(operand,), span=like.span, origins=like.origins)


def rename(op: Op, operands: Iterable[Operand], renamed: dict[Value, Operand]) -> list[Op]:
    """Let ``operands`` be the results of ``op``, which is gone; ``renamed`` gets those that are
    read under another name. Return the ops that keep a name and a type."""
    made: list[Op] = []
    for value, operand in zip(op.results, operands, strict=True):
        if operand == value:
            continue
        if stands_for(operand, value):
            renamed[value] = operand
        else:
            made.append(constant(value, operand, op))
    return made
