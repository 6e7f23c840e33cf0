"""Trees that arrays and objects need: graphs of states, and counted texts that may call rules."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from sglc.constraints.automaton import Automaton, AutomatonTooLarge
from sglc.constraints.calls import calls_of
from sglc.constraints.network import Fragment, Network
from sglc.constraints.syntax import PLAIN, Encoding, Node, Repeat, Span

_EMPTY_TEXT = Automaton.from_strings([""])
_FAR = 1 << 62


@dataclass(frozen=True, slots=True)
class Graph(Node):
    """The texts along the ways from state 0 to an accepting one.

    ``texts[i]`` leads from ``ends[i][0]`` to ``ends[i][1]``. Costs one part per edge and per
    state, however many edges meet in a state.
    """

    texts: tuple[Node, ...]
    ends: tuple[tuple[int, int], ...]
    accepting: frozenset[int]

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        gates = {state: net.leaf(_EMPTY_TEXT) for state in self._states()}
        for node, (source, target) in zip(self.texts, self.ends, strict=True):
            inner = node.fragment(net, encoding)
            net.connect(gates[source].last, inner.first)
            net.connect(inner.last, gates[target].first)
            if inner.empty:
                net.connect(gates[source].last, gates[target].first)
        last = tuple(part for state in sorted(self.accepting) for part in gates[state].last)
        return Fragment(gates[0].first, last)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        spans = [node.span(in_bytes, encoding) for node in self.texts]
        edges = [(s, span, t) for span, (s, t) in zip(spans, self.ends, strict=True) if span]
        least = {0: 0}
        most: dict[int, int | None] = {0: 0}
        rounds, changed = len(self._states()), True
        while changed:
            changed = False
            for source, (low, high), target in edges:
                if source not in least:
                    continue
                if least[source] + low < least.get(target, _FAR):
                    least[target] = least[source] + low
                    changed = True
                before, known = most[source], most.get(target, -1)
                if known is None:
                    continue
                longer = None if before is None or high is None else before + high
                if longer is None or longer > known:
                    # Ways that still get longer after as many rounds as states go in a circle.
                    most[target] = longer if rounds > 0 else None
                    changed = True
            rounds -= 1
        ends = [state for state in self.accepting if state in least]
        if not ends:
            return None
        longest = [most[state] for state in ends]
        finite = [length for length in longest if length is not None]
        whole = max(finite) if len(finite) == len(longest) else None
        return min(least[state] for state in ends), whole

    def _states(self) -> list[int]:
        return sorted({0, *self.accepting, *(state for ends in self.ends for state in ends)})


@dataclass(frozen=True, slots=True)
class Times(Node):
    """``least`` to ``most`` texts of ``inner`` in a row, which may call rules."""

    inner: Node
    least: int
    most: int | None

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        if not calls_of(self.inner):
            return Repeat(self.inner, self.least, self.most).fragment(net, encoding)
        count = max(self.least, 1) if self.most is None else self.most
        if count > net.max_states:
            raise AutomatonTooLarge(net.max_states)
        run = [self.inner.fragment(net, encoding) for _ in range(count)]
        assert not any(inner.empty for inner in run), "a value is never the empty text"
        for one, other in pairwise(run):
            net.connect(one.last, other.first)
        if self.most is None:
            net.connect(run[-1].last, run[-1].first)
        last = tuple(part for inner in run[max(self.least, 1) - 1 :] for part in inner.last)
        return Fragment(run[0].first if run else (), last, self.least == 0)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return Repeat(self.inner, self.least, self.most).span(in_bytes, encoding)


class GraphTooLarge(Exception):
    """More edges than allowed."""


class GraphBuilder:
    """Collects a graph whose states have names. State ``start`` is where it begins."""

    def __init__(self, start: Hashable, max_edges: int) -> None:
        self._numbers: dict[Hashable, int] = {start: 0}
        self._texts: list[Node] = []
        self._ends: list[tuple[int, int]] = []
        self._max_edges = max_edges
        self._todo: list[Hashable] = [start]

    def new_states(self) -> Iterable[Hashable]:
        """The states in the order in which edges led to them, while edges are added."""
        return iter(self._todo)

    def add(self, source: Hashable, node: Node, target: Hashable) -> bool:
        """Add an edge; whether its target is new.

        Raises:
            GraphTooLarge: there are too many edges.
        """
        is_new = target not in self._numbers
        if is_new:
            self._numbers[target] = len(self._numbers)
            self._todo.append(target)
        self._texts.append(node)
        self._ends.append((self._numbers[source], self._numbers[target]))
        if len(self._texts) > self._max_edges:
            raise GraphTooLarge
        return is_new

    def build(self, accepting: Iterable[Hashable]) -> Graph:
        """The graph; accepting states that no edge leads to are left out."""
        ends = frozenset(self._numbers[state] for state in accepting if state in self._numbers)
        return Graph(tuple(self._texts), tuple(self._ends), ends)
