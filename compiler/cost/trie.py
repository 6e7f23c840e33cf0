"""The trie of all prompts: each of its tokens is computed once, if none is evicted.

Most tokens: those of every node that some call may have to compute, each counted by the first call
in program order that needs it. Where one of several arms is taken, a node counts as paid for only
if every arm has paid for it. Fewest: the nodes that calls which surely happen need, but for those
that may turn out to be the tokens of others: behind a place where a model writes, whatever else
follows there may be what it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from sglc.compiler.cost.symbols import Meter, Symbol, Walk
from sglc.compiler.cost.tally import Place
from sglc.compiler.cost.versions import Merge, Version


class Node:
    """A symbol behind its prefix. ``places``: of the calls that need it; ``sure``: one of them
    surely happens; ``writes``: what decodes that begin behind it write; ``work``: what calls surely
    do there, by the ids that end their prompts (None: not known) and by place: with the same ids
    they may turn out to be one call."""

    __slots__ = ("children", "places", "sure", "symbol", "work", "writes")

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.children: dict[object, Node] = {}
        self.places: set[Place] = set()
        self.sure = False
        self.writes: set[object] = set()
        self.work: dict[Tail, dict[Place, Work]] = {}

    def child(self, symbol: Symbol) -> Node:
        """The node of a symbol behind this one; made when it is first asked for."""
        found = self.children.get(symbol.key)
        if found is None:
            found = self.children[symbol.key] = Node(symbol)
        return found

    @property
    def is_region(self) -> bool:
        """Whether it is not known which tokens these are."""
        return not isinstance(self.symbol.key, int)

    @property
    def most(self) -> float:
        """The most tokens that have to be computed for it."""
        return min(self.symbol.hi, 1) if self.symbol.is_cached else self.symbol.hi

    @property
    def least(self) -> float:
        """The fewest, if it is not there yet."""
        return 0 if self.symbol.is_decoded or self.symbol.merge else self.symbol.lo


class Work(NamedTuple):
    """Tokens that are given, sampled and scored."""

    prompt: float = 0
    decoded: float = 0
    scored: float = 0

    def most(self, other: Work) -> Work:
        """The larger one of each."""
        return Work(*map(max, self, other))

    def plus(self, other: Work) -> Work:
        """Both."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


class Least(NamedTuple):
    """What is surely done: in all, and by place."""

    prefilled: float
    prefilled_at: Mapping[Place, float]
    work: Work
    work_at: Mapping[Place, Work]


Tail = tuple[object, ...] | None
Path = Sequence[Node]
Paid = Node | tuple[Place, Node]
_ROOT: Final = Symbol("root", 0, 0)


class Trie:
    """The prompts of a program; several runs of it may share one."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.root = Node(_ROOT)
        self._paid: set[Paid] = set()
        self._journal: list[Paid] = []
        self._merges: dict[Merge, float] = {}

    def path(self, walk: Walk) -> list[Node]:
        """The nodes of a version, made as needed."""
        node, found = self.root, []
        for symbol in walk.symbols:
            node = node.child(symbol)
            found.append(node)
        return found

    def pay(self, path: Path) -> float:
        """Count what is not paid for; return the most tokens that is."""
        total = 0.0
        for node in path:
            if node not in self._paid:
                total += self._cost(node)
                self._paid.add(node)
                self._journal.append(node)
        return total

    def _cost(self, node: Node) -> float:
        merge = node.symbol.merge
        if merge is None:
            return node.most
        return min(node.symbol.hi, max(map(self._unpaid, merge.versions)))

    def _unpaid(self, version: Version) -> float:
        walk = self.meter.walk(version)
        nodes = self.path(walk)[: walk.settled]
        return sum(self._own(node) for node in nodes if node not in self._paid) + walk.tail.hi

    def own_cost(self, version: Version, place: Place) -> float:
        """The most tokens that a call on a version computes: what calls on its own chain, which
        are over, have not, nor calls of the same place before it."""
        total = 0.0
        for node in self._uncalled(version):
            mark = (place, node)
            if mark not in self._paid:
                total += self._own(node)
                self._paid.add(mark)
                self._journal.append(mark)
        return total

    def _own(self, node: Node) -> float:
        merge = node.symbol.merge
        return node.most if merge is None else min(node.symbol.hi, self.own_merge(merge))

    def own_merge(self, merge: Merge) -> float:
        """The most tokens of the ways of a merge that no call on their chains has computed."""
        if merge not in self._merges:
            self._merges[merge] = max(
                sum(map(self._own, self._uncalled(version))) + self.meter.walk(version).tail.hi
                for version in merge.versions
            )
        return self._merges[merge]

    def _uncalled(self, version: Version) -> Sequence[Node]:
        """The nodes of a version behind those of the last call on its chain."""
        return behind(self.path(self.meter.walk(version)), version.called)

    @contextmanager
    def arm(self) -> Iterator[set[Paid]]:
        """An arm that may not be taken: gives what it paid for, which is then not paid."""
        begin = len(self._journal)
        found: set[Paid] = set()
        try:
            yield found
        finally:
            found.update(self._journal[begin:])
            del self._journal[begin:]
            self._paid -= found

    def paid_by_all(self, arms: Sequence[set[Paid]]) -> None:
        """Take as paid for what every arm has paid for."""
        if arms:
            both = set.intersection(*arms)
            self._paid |= both
            self._journal += both

    def least(self) -> Least:
        """The fewest tokens computed, and what those who may be one surely do."""
        total, work = 0.0, Work()
        places: dict[Place, float] = {}
        work_at: dict[Place, Work] = {}
        todo = [self.root]
        while todo:
            node = todo.pop()
            if node.sure and node.least:
                total += node.least
                if len(node.places) == 1:
                    (place,) = node.places
                    places[place] = places.get(place, 0) + node.least
            for here in _distinct(node.work):
                largest = Work()
                for each in here.values():
                    largest = largest.most(each)
                work = work.plus(largest)
                if len(here) == 1 and None not in node.work:
                    ((place, each),) = here.items()
                    work_at[place] = work_at.get(place, Work()).plus(each)
            todo += _certain_children(node)
        return Least(total, places, work, work_at)


def _distinct(work: Mapping[Tail, dict[Place, Work]]) -> Sequence[Mapping[Place, Work]]:
    """What calls do that are surely not the same."""
    known = [here for tail, here in work.items() if tail is not None]
    return known or list(work.values())


def behind(path: Path, other: Path | None) -> Path:
    """The nodes of a path behind those that it shares with another one."""
    same = 0
    for node, shared in zip(path, other or (), strict=False):
        if node is not shared:
            break
        same += 1
    return path[same:]


def _certain_children(node: Node) -> Sequence[Node]:
    """The children whose tokens are surely no other's."""
    children = list(node.children.values())
    written = [child for child in children if child.is_region]
    if not written and not node.writes:
        return children
    others = [c for c in children if c.symbol.key not in node.writes]
    if len(others) + len(node.writes) > 1:
        return []
    return children
