"""The order in which streams of one priority are admitted.

It decides what is found in the cache before it is evicted, never what a stream generates. Streams
that are admitted in one step share what they have in common whatever the order; so nobody has to
stand back until another one has computed a prefix of both.
"""

from __future__ import annotations

import random
from collections import Counter

from sglc.runtime.kvcache.radix import Node
from sglc.runtime.scheduler.memory import KVMemory
from sglc.runtime.scheduler.queue import WaitingQueue
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream

MAX_MATCHED = 128
"""Where more entries than this wait, ``lpm`` takes them as they came: matching all costs more."""


class Policy:
    """Ranks the waiting entries before each step, as ``EngineConfig.schedule_policy`` says.

    - ``fcfs``: as they came.
    - ``lpm``: the longest cached prefix first.
    - ``dfs-weight``: depth first through the cache, of two branches the one first that more
      streams wait for now, and what is not cached last.
    - ``random``: drawn anew for every step, the same on every machine.

    Without a cache, ``lpm`` and ``dfs-weight`` are ``fcfs``. Equal ranks are taken as they came.
    """

    def __init__(self, state: SchedulerState) -> None:
        name = state.config.schedule_policy
        if name in ("lpm", "dfs-weight") and not state.config.radix_cache:
            name = "fcfs"
        self._name = name
        self._state = state

    def arrange(self, queue: WaitingQueue) -> None:
        """Rank what waits, if anybody can be admitted."""
        if self._name != "fcfs" and self._state.memory.has_row:
            queue.arrange(self._rank)

    def _rank(self, streams: list[Stream]) -> list[int]:
        tree = self._state.memory.tree
        if self._name == "random":
            ranks = list(range(len(streams)))
            random.Random(self._state.step_number).shuffle(ranks)
            return ranks
        if self._name == "dfs-weight":
            return _by_weight(streams, self._state.memory)
        if len(streams) > MAX_MATCHED:
            return [0] * len(streams)
        root_for = self._state.memory.root_for
        return [-tree.match(stream.tokens, root_for(stream))[1] for stream in streams]


def _by_weight(streams: list[Stream], memory: KVMemory) -> list[int]:
    """Rank by a walk through the tree that takes the heaviest branch first."""
    tree = memory.tree
    roots = list(dict.fromkeys(memory.root_for(stream) for stream in streams))
    waiting: dict[Node, list[int]] = {}  # by the node in which the cached prefix ends
    weights: Counter[Node] = Counter()
    branches: dict[Node, list[Node]] = {}  # those on the way to somebody, as they came
    for number, stream in enumerate(streams):
        node, _ = tree.match(stream.tokens, memory.root_for(stream))
        waiting.setdefault(node, []).append(number)
        while node.parent is not None:
            weights[node] += 1
            if weights[node] == 1:
                branches.setdefault(node.parent, []).append(node)
            node = node.parent
    ranks = [0] * len(streams)
    rank = len(streams)
    stack: list[Node] = []
    for root in roots:
        for number in reversed(waiting.pop(root, ())):
            rank -= 1
            ranks[number] = rank
        stack += branches.get(root, ())
    stack.sort(key=lambda branch: -weights[branch])
    while stack:  # from the last one to the first: a node, then its branches, the lightest first
        node = stack.pop()
        for number in reversed(waiting.get(node, ())):
            rank -= 1
            ranks[number] = rank
        stack += sorted(branches.get(node, ()), key=lambda branch: -weights[branch])
    return ranks
