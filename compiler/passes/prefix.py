"""Prefix: constant beginnings that several model calls of a run share are known before it runs.

The heads of all prompts that a run can reach are put into a trie, calls of other prompts and
branches included. Where two or more calls begin alike, with at least ``min_chars`` characters, the
common part becomes an entry of the hint ``prefixes``. The executor keeps its K/V from the first
call that needs it until the last run of the program is over (``runtime/executor/pins.py``):
without, it is given up where the pool is small and others run while this program waits for a tool.
The graph stays as it is, and so do all tokens: a call always says its whole prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.heads import MANY, Head, Use, begins_with, common, uses
from sglc.compiler.passes.report import Saved, change
from sglc.compiler.plan.segments import Segment, Text, to_words

_MAX_NODES: Final = 256  # of a trie, that are looked at


@dataclass(frozen=True)
class Prefix(Pass):
    """Name the constant beginnings that calls share; at most ``max_prefixes``, the best ones."""

    name: ClassVar[str] = "prefix"
    min_chars: int = 64
    max_prefixes: int = 8

    def __post_init__(self) -> None:
        for name in ("min_chars", "max_prefixes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    def run(self, module: Module, context: Context) -> Module:
        found: dict[tuple[Segment, ...], _Shared] = {}
        for calls in uses(module, context):
            for shared in _shared(calls, self.min_chars):
                found.setdefault(shared.segments, shared)
        best = sorted(found.values(), key=lambda shared: -shared.gain)[: self.max_prefixes]
        hint = tuple(to_words(shared.segments) for shared in best)
        if hint == module.hints.get("prefixes", ()):
            return module
        for shared in best:
            ops = list({id(use.op): use.op for use in shared.uses}.values())
            before = f"{len(ops)} calls begin alike" if len(ops) > 1 else "a call made repeatedly"
            after = f"{shared.num_chars} characters kept while runs need them"
            function = shared.uses[0].function
            context.report(change(self.name, function, ops, before, after, Saved()))
        return module.with_hint("prefixes", hint)


class _Shared(NamedTuple):
    """What ``uses`` begin with."""

    segments: tuple[Segment, ...]
    uses: tuple[Use, ...]

    @property
    def num_chars(self) -> int:
        return _num_chars(self.segments)

    @property
    def gain(self) -> int:
        """Characters that need not be computed again, at least."""
        return self.num_chars * (sum(use.times for use in self.uses) - 1)


def _shared(calls: Sequence[Use], min_chars: int) -> list[_Shared]:
    """Return the nodes of the trie of the calls below which there are two or more.

    Of two that differ by less than ``min_chars`` characters only the shorter one counts.
    """
    by_head: dict[tuple[Segment, ...], list[Use]] = {}
    merged: dict[Head, tuple[Segment, ...]] = {}
    for use in calls:
        if use.head not in merged:
            merged[use.head] = use.head.merged()
        by_head.setdefault(merged[use.head], []).append(use)
    heads = sorted(by_head, key=to_words)  # those below one node stand together
    nodes: dict[tuple[Segment, ...], int] = {}
    for at, head in enumerate(heads):
        if sum(use.times for use in by_head[head]) >= MANY:
            nodes.setdefault(head, at)
        if at:
            nodes.setdefault(common(heads[at - 1], head), at)
    long = sorted((node for node in nodes if _num_chars(node) >= min_chars), key=_num_chars)
    kept: list[_Shared] = []
    for node in long[:_MAX_NODES]:
        above = (k.num_chars for k in kept if begins_with(node, k.segments))
        if _num_chars(node) >= max(above, default=0) + min_chars:
            first = last = nodes[node]
            while first and begins_with(heads[first - 1], node):
                first -= 1
            while last + 1 < len(heads) and begins_with(heads[last + 1], node):
                last += 1
            below = [use for head in heads[first : last + 1] for use in by_head[head]]
            kept.append(_Shared(node, tuple(below)))
    return kept


def _num_chars(segments: Sequence[Segment]) -> int:
    return sum(len(segment.text) for segment in segments if isinstance(segment, Text))
