"""The text of an array branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

from sglc.constraints.schema.array_branches import ArrayBranch, ArrayExpander, Count
from sglc.constraints.schema.branches import Tools
from sglc.constraints.schema.data import frozen, kind_of, numeral, quoted
from sglc.constraints.schema.formula import Formula, Literal, formula
from sglc.constraints.schema.graph import GraphBuilder, GraphTooLarge
from sglc.constraints.schema.judge import Judge
from sglc.constraints.schema.layout import Layout
from sglc.constraints.syntax import Node, Text

MAX_DISTINCT = 8  # values of which a state remembers which were there


class _State(NamedTuple):
    at: int  # the index, up to where all items are alike
    counts: tuple[int, ...]
    met: int  # a bit per value that was there
    twice: bool  # whether one was there twice


class ArrayWriter:
    """Makes the tree of one branch. ``value`` gives the tree of what an item must be."""

    def __init__(self, tools: Tools, judge: Judge, value: Callable[[Formula], Node]) -> None:
        self._tools = tools
        self._judge = judge
        self._value = value

    def node(self, branch: ArrayBranch, layout: Layout) -> Node:
        """All arrays of the branch; those that only ``distinct_values`` could tell too.

        Raises:
            GraphTooLarge: the counts need too many states.
        """
        horizon = self._horizon(branch)
        if max(branch.least, branch.most or 0) > self._tools.limits.max_count:
            raise GraphTooLarge
        values = distinct_values(self._tools, branch)
        if not horizon and not branch.counts and values is None:
            item = ArrayExpander.item_of(branch, 0)
            most = branch.most
            if self._tools.facts.is_empty(item):
                most = 0
            if most == 0:
                return layout.alike("[]", Text(""), branch.least, 0)
            return layout.alike("[]", self._value(item), branch.least, most)
        return _Graph(self, branch, layout, horizon, values).build()

    @staticmethod
    def _horizon(branch: ArrayBranch) -> int:
        """The index from which on all items are alike."""
        prefixes = [len(rule.prefix) for rule in branch.items]
        return max([0, *prefixes, *(count.offset for count in branch.counts)])


def distinct_values(tools: Tools, branch: ArrayBranch) -> list[Any] | None:
    """All values that items may have, if ``uniqueItems`` can be told by a few of them."""
    if branch.unique is None or (branch.unique and branch.most is not None and branch.most < 2):
        return None
    found: dict[object, Any] = {}
    for index in range(ArrayWriter._horizon(branch) + 1):
        if branch.most is not None and index >= branch.most:
            break
        item = ArrayExpander.item_of(branch, index)
        values = () if tools.facts.is_empty(item) else tools.facts.candidates(item)
        if values is None or any(kind_of(value) in ("array", "object") for value in values):
            return None
        found |= {frozen(value): value for value in values}
        if len(found) > MAX_DISTINCT:
            return None
    return list(found.values())


def scalar_text(value: Any) -> str:
    """The canonical spelling of a value that is neither an array nor an object."""
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return numeral(value)


class _Graph:
    """States know the index up to the horizon, the counts, and which values were there."""

    def __init__(
        self,
        writer: ArrayWriter,
        branch: ArrayBranch,
        layout: Layout,
        horizon: int,
        values: list[Any] | None,
    ) -> None:
        self._writer = writer
        self._branch = branch
        self._layout = layout
        self._values = values
        self._cap = max(horizon, branch.least, 1) if branch.most is None else branch.most
        self._horizon = horizon
        self._counts = sorted(
            branch.counts, key=lambda c: (c.offset, c.literal.sub.id, c.literal.positive, c.least)
        )

    def build(self) -> Node:
        branch, layout = self._branch, self._layout
        start = _State(0, (0,) * len(self._counts), 0, False)
        graph = GraphBuilder("begin", self._writer._tools.limits.max_edges)
        graph.add("begin", Text("["), start)
        for state in graph.new_states():
            if not isinstance(state, _State):
                continue
            index = state.at
            between = layout.comma if index else layout.first
            if self._may_end(state):
                graph.add(state, Text((layout.last if index else "") + "]"), "end")
            if branch.most is not None and index >= branch.most:
                continue
            edges = list(self._edges(state))
            if edges:
                graph.add(state, Text(between), ("item", state))
            for node, target in edges:
                graph.add(("item", state), node, target)
        return graph.build(["end"])

    def _may_end(self, state: _State) -> bool:
        index, counts, _, twice = state
        branch = self._branch
        if index < branch.least or (
            branch.unique is False and self._values is not None and not twice
        ):
            return False
        return all(n >= c.least for n, c in zip(counts, self._counts, strict=True))

    def _edges(self, state: _State) -> Iterator[tuple[Node, _State]]:
        index, counts, met, twice = state
        base = ArrayExpander.item_of(self._branch, min(index, self._horizon))
        after = min(index + 1, self._cap)
        if self._values is not None:
            for i, value in enumerate(self._values):
                if not self._writer._judge.all_hold(base, value):
                    continue
                again = bool(met & 1 << i)
                if again and self._branch.unique:
                    continue
                hits = [
                    c.offset <= index and self._writer._judge.holds(c.literal, value)
                    for c in self._counts
                ]
                new = self._counted(counts, hits)
                if new is not None:
                    yield Text(scalar_text(value)), _State(after, new, met | 1 << i, twice or again)
            return
        ways = [self._ways(c, n, index) for c, n in zip(self._counts, counts, strict=True)]
        for way in product(*ways):
            asked = [literal for literal, _ in way if literal is not None]
            new = self._counted(counts, [hit for _, hit in way])
            item = formula([*base, *asked])
            if new is not None and not self._writer._tools.facts.is_empty(item):
                yield self._writer._value(item), _State(after, new, 0, False)

    def _ways(self, count: Count, so_far: int, index: int) -> list[tuple[Literal | None, bool]]:
        """What is asked of the next item for a count, and whether it is then counted.

        An upper bound must know which items do not count; a lower one, which do.
        """
        if index < count.offset:
            return [(None, False)]
        if count.most is None:
            if so_far >= count.least:
                return [(None, False)]
            return [(count.literal, True), (None, False)]
        return [(count.literal, True), (count.literal.negated, False)]

    def _counted(self, counts: tuple[int, ...], hits: list[bool]) -> tuple[int, ...] | None:
        """The counts after an item; None if one is over its bound."""
        new: list[int] = []
        for n, c, hit in zip(counts, self._counts, hits, strict=True):
            more = n + hit
            if c.most is not None and more > c.most:
                return None
            new.append(min(more, c.least) if c.most is None else more)
        return tuple(new)
