"""Private streams: versions whose later K/V nothing but one chain of calls can ever use.

A version is private when the model goes on from it in one way at most, and so on from what that
makes. Behind a fork, in an included prompt, or where a stream becomes part of a value, this is not
known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Op, Region, Value
from sglc.compiler.ir.traits import makes_branch, projected
from sglc.compiler.ir.values import STREAM
from sglc.compiler.passes.continuation import Continuations
from sglc.compiler.passes.facts import Facts

MAX_USES: Final = 16  # a version with more is not private

_Path = tuple[tuple[Op, int], ...]


class _Use(NamedTuple):
    """An op that goes on from a version, what it makes of it, and the regions it stands in."""

    op: Op
    made: tuple[Value, ...]
    path: _Path


class Privacy:
    """``is_private(v)`` of the versions of one function."""

    def __init__(self, function: Function, facts: Facts, continuations: Continuations) -> None:
        self.function = function
        self.facts = facts
        self.continuations = continuations
        self.uses: dict[Value, list[_Use]] = {}
        self.escaping: set[Value] = set()
        self.depths: dict[Value, int] = {}  # regions around where a version is made
        self._known: dict[Value, bool] = {}
        # A stream that is taken out of a branch may be any of those that branches end with.
        self.takes_branches = any(projected(op) == "stream" for op in function.walk())
        self._region(function.body, ())

    def is_private(self, version: Value) -> bool:
        """Whether at most one chain of calls goes on from a version."""
        todo, seen = [version], set[Value]()
        while todo:
            each = todo.pop()
            if each in seen:
                continue
            seen.add(each)
            found = self._known.get(each)
            if found is None:
                after = self._after(each)
                if after is None:
                    found = False
                else:
                    todo += after
                    continue
            if not found:
                self._known[version] = False
                return False
        self._known.update(dict.fromkeys(seen, True))
        return True

    def _after(self, version: Value) -> tuple[Value, ...] | None:
        """What goes on from a version; None if that is more than one chain, or not known."""
        if version in self.escaping:
            return None
        depth = self.depths.get(version, 0)
        uses = [use for use in self.uses.get(version, ()) if self._leads_on(use)]
        if len(uses) > MAX_USES or any(_is_repeated(use.path[depth:]) for use in uses):
            return None
        for index, use in enumerate(uses):
            if not all(_excludes(use, other, depth) for other in uses[index + 1 :]):
                return None
        return tuple(made for use in uses for made in use.made)

    def _leads_on(self, use: _Use) -> bool:
        if use.op.spec.model:
            return True
        return any(self.continuations.leads_on(self.function, v) for v in use.made)

    def _region(self, region: Region, path: _Path) -> None:
        for value in region.params:
            self.depths[value] = len(path)
        for op in region.ops:
            for place, stream in _streams(op):
                made = self._made(op, place, path)
                if made is None:
                    self.escaping.add(stream)
                elif made:
                    self.uses.setdefault(stream, []).append(_Use(op, made, path))
            for index, inner in enumerate(op.regions):
                self._region(inner, (*path, (op, index)))
            for value in op.results:
                self.depths[value] = len(path)

    def _made(self, op: Op, place: int | str, path: _Path) -> tuple[Value, ...] | None:
        """What goes on in an op from a stream that is its operand; None if that is not known."""
        if op.spec.terminator:
            return self._handed(op, place, path)
        if op.spec.loop and isinstance(place, int):
            return _carried(op, place - 1)
        if makes_branch(op):
            return None if self.takes_branches or isinstance(place, str) else ()
        if op.spec.calls or op.regions or place != 0 or not op.spec.reads_stream:
            return None
        return tuple(v for v in op.results if v.type == STREAM)

    def _handed(self, op: Op, place: int | str, path: _Path) -> tuple[Value, ...] | None:
        if isinstance(place, str):
            return None
        if "function" in op.spec.exits:
            return None if self.function.name in self.facts.included else ()
        around = (owner for owner, _ in reversed(path) if owner.spec.loop or not op.spec.exits)
        target = next(around, None)
        if target is None or target.spec.results is not None:
            return None if self.takes_branches else ()
        return _carried(target, place) if target.spec.loop else (target.results[place],)


def _is_choice(op: Op) -> bool:
    """Whether one region of an op runs, once."""
    return op.spec.results is None and not op.spec.loop


def _is_repeated(path: _Path) -> bool:
    return not all(_is_choice(op) for op, _ in path)


def _excludes(use: _Use, later: _Use, depth: int) -> bool:
    """Whether the later use never comes behind the other: that one leaves, or is in another arm."""
    if use.op.spec.terminator and use.op.spec.exits:
        return True
    for (op, index), (other, place) in zip(use.path[depth:], later.path[depth:], strict=False):
        if op is not other:
            return False
        if index != place:
            return True
    return False


def _streams(op: Op) -> list[tuple[int | str, Value]]:
    """The streams among the operands with their places; in lists and keywords that is a text."""
    found: list[tuple[int | str, Value]] = []
    for place, arg in enumerate(op.args):
        if isinstance(arg, Value) and arg.type == STREAM:
            found.append((place, arg))
    positional = {value for _, value in found}
    found += [("", v) for v in op.inputs() if v.type == STREAM and v not in positional]
    return found


def _carried(loop: Op, index: int) -> tuple[Value, ...]:
    """What a carried value of a loop is called in a turn, and behind the loop."""
    return loop.regions[0].params[index - len(loop.results)], loop.results[index]
