"""A radix tree from token sequences to KV slots: what was computed once is found again.

Page size 1: a node's edge holds any number of tokens and one slot for each. A node that a lookup
ends inside of is split; the lower part keeps its identity, so a stream that holds a node holds
the end of its own prefix whatever is split above. Nodes that streams use are locked, together
with all their ancestors; the others are evicted leaf by leaf, least recently used first.

Each namespace has a root of its own, and nothing in common with the others but the pool and the
order in which leaves are evicted.

The tree owns its slots. ``cached`` counts them; ``evictable`` counts those in unlocked nodes.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from sglc.runtime.kvcache.pool import SlotPool, Slots

_EMPTY: Slots = np.empty(0, dtype=np.int64)
_NOBODY, SEVERAL = -2, -1
_MIN_ROOTS = 64  # as many are kept, though nothing lies below some


@dataclass(eq=False, slots=True)
class Node:
    """An edge with its lower end: ``key`` tokens, their ``slots``, and how many streams use it.

    ``user`` is the stream that has used it, if it was one only.
    """

    key: list[int]
    slots: Slots
    parent: Node | None
    serial: int
    locks: int = 0
    user: int = _NOBODY
    last_use: int = 0
    alive: bool = True
    children: dict[int, Node] = field(default_factory=dict)


class RadixTree:
    """Prefix cache over the slots of ``pool``."""

    def __init__(self, pool: SlotPool) -> None:
        self._pool = pool
        self._clock = 0
        self._serial = 0
        self._leaves: list[tuple[int, int, Node]] = []  # heap; entries may be out of date
        self.cached = 0
        self.evictable = 0
        self.evicted_tokens = 0
        self.root = Node(key=[], slots=_EMPTY, parent=None, serial=0, locks=1)
        self._roots = {"": self.root}
        self._max_roots = _MIN_ROOTS

    def root_for(self, namespace: str) -> Node:
        """Return the root of a namespace."""
        root = self._roots.get(namespace)
        if root is None:
            if len(self._roots) >= self._max_roots:
                self._roots = {n: r for n, r in self._roots.items() if r.locks or r.children}
                self._max_roots = max(_MIN_ROOTS, 2 * len(self._roots))
            root = self._roots[namespace] = self.new_root()
        return root

    def walk(self, node: Node, tokens: list[int], start: int, end: int) -> tuple[Node, Slots]:
        """Follow ``tokens[start:end]`` down from the lower end of ``node``.

        Returns the node at whose lower end the longest match ends (split if need be) and the
        slots of the matched tokens. Refreshes every node on the way.
        """
        found: list[Slots] = []
        self._clock += 1
        while start < end:
            child = node.children.get(tokens[start])
            if child is None:
                break
            count = common_prefix(child.key, tokens, start, end)
            if count < len(child.key):
                child = self._split(child, count)
            child.last_use = self._clock
            found.append(child.slots)
            node = child
            start += count
        if len(found) == 1:
            return node, found[0]
        return node, np.concatenate(found) if found else _EMPTY

    def match(self, tokens: list[int], root: Node) -> tuple[Node, int]:
        """Return how many tokens a walk from a root would find, and the node it would end in.

        Nothing is split, and nothing refreshed.
        """
        node, at = root, 0
        while at < len(tokens) and (child := node.children.get(tokens[at])) is not None:
            count = common_prefix(child.key, tokens, at, len(tokens))
            at += count
            node = child
            if count < len(child.key):
                break
        return node, at

    def append(self, node: Node, tokens: list[int], slots: Slots) -> Node:
        """Put ``tokens`` with their ``slots`` below ``node``; the tree owns the slots from now on.

        No child of ``node`` may begin with ``tokens[0]``: walk first. The new node is unlocked.
        """
        assert tokens
        assert len(tokens) == len(slots)
        assert tokens[0] not in node.children
        self._clock += 1
        self._serial += 1
        child = Node(tokens, slots, node, self._serial, last_use=self._clock)
        node.children[tokens[0]] = child
        self.cached += len(tokens)
        self.evictable += len(tokens)
        self._push(child)
        return child

    def lock(self, node: Node, above: Node | None = None, user: int = SEVERAL) -> None:
        """Keep the path from ``node`` up to the root, or up to but without ``above``.

        ``user`` is the stream that uses the path from now on, not below 0.
        """
        at: Node | None = node
        while at is not above and at is not None:
            if at.locks == 0:
                self.evictable -= len(at.key)
            at.locks += 1
            if at.user != user:
                at.user = user if at.user == _NOBODY else SEVERAL
            at = at.parent

    def unlock(self, node: Node, above: Node | None = None) -> None:
        """Take back one ``lock`` of the same path."""
        self._clock += 1
        at: Node | None = node
        while at is not above and at is not None:
            assert at.locks > 0
            at.locks -= 1
            at.last_use = self._clock
            if at.locks == 0:
                self.evictable += len(at.key)
                self._push(at)
            at = at.parent

    def evict(self, count: int) -> int:
        """Free at least ``count`` slots, or all that can be; return how many were freed."""
        freed = 0
        while freed < count and self._leaves:
            last_use, serial, node = heapq.heappop(self._leaves)
            if not node.alive or node.locks or node.children:
                continue
            if node.last_use != last_use:
                heapq.heappush(self._leaves, (node.last_use, serial, node))
                continue
            parent = node.parent
            assert parent is not None
            excess = freed + len(node.key) - count
            if excess > 0:  # keep the upper part: it is the more likely one to be met again
                self._shorten(node, excess)
                freed = count
                break
            freed += len(node.key)
            self._drop(node, parent)
        self.evicted_tokens += freed
        return freed

    def prune(self, node: Node, user: int, keep: int = 0) -> None:
        """Free the path that ends at ``node``, as far up as ``user`` alone has used it.

        What is locked, continues elsewhere, or is gone, stays as it is, and so do the first
        ``keep`` tokens of the path.
        """
        end = _length(node)
        while node.alive and node.user == user and not node.locks and not node.children:
            parent = node.parent
            assert parent is not None
            end -= len(node.key)
            if end < keep:
                if end + len(node.key) > keep:
                    self._shorten(node, keep - end)
                return
            self._drop(node, parent)
            node = parent

    def new_root(self) -> Node:
        """Return the root of a tree of its own over the same pool, with the same eviction."""
        return Node(key=[], slots=_EMPTY, parent=None, serial=0)

    def clear(self, root: Node) -> None:
        """Free all that lies below ``root``; none of it may be locked."""
        below = list(root.children.values())
        for node in below:  # grows while it is read
            below += node.children.values()
        for node in reversed(below):
            assert not node.locks
            assert node.parent is not None
            self._drop(node, node.parent)

    def _shorten(self, node: Node, keep: int) -> None:
        self._pool.free(node.slots[keep:])
        removed = len(node.key) - keep
        node.key = node.key[:keep]
        node.slots = node.slots[:keep]
        self.cached -= removed
        self.evictable -= removed
        self._push(node)

    def _drop(self, node: Node, parent: Node) -> None:
        node.alive = False
        del parent.children[node.key[0]]
        self._pool.free(node.slots)
        self.cached -= len(node.key)
        self.evictable -= len(node.key)
        self._push(parent)

    def _split(self, node: Node, count: int) -> Node:
        """Put the first ``count`` tokens of ``node`` into a new parent of it; return the parent."""
        assert node.parent is not None
        assert 0 < count < len(node.key)
        self._serial += 1
        upper = Node(
            key=node.key[:count],
            slots=node.slots[:count],
            parent=node.parent,
            serial=self._serial,
            locks=node.locks,
            user=node.user,
            last_use=node.last_use,
            children={node.key[count]: node},
        )
        node.parent.children[node.key[0]] = upper
        node.key = node.key[count:]
        node.slots = node.slots[count:]
        node.parent = upper
        return upper

    def _push(self, node: Node) -> None:
        if node.locks or node.children or node.parent is None:
            return
        heapq.heappush(self._leaves, (node.last_use, node.serial, node))
        if len(self._leaves) > 64 + 2 * self.cached:
            live = {n.serial: n for _, _, n in self._leaves if n.alive}
            self._leaves = [
                (n.last_use, n.serial, n) for n in live.values() if not n.locks and not n.children
            ]
            heapq.heapify(self._leaves)


def root_of(node: Node) -> Node:
    """The root of the tree that ``node`` is in."""
    while node.parent is not None:
        node = node.parent
    return node


def _length(node: Node) -> int:
    """How many tokens the path to ``node`` has."""
    length = len(node.key)
    while node.parent is not None:
        node = node.parent
        length += len(node.key)
    return length


def common_prefix(key: list[int], tokens: list[int], start: int, end: int) -> int:
    """Length of the common prefix of ``key`` and ``tokens[start:end]``."""
    limit = min(len(key), end - start)
    if key[:limit] == tokens[start : start + limit]:
        return limit
    low, high = 0, limit - 1  # tokens [0, low) agree, and the first difference is at most high
    while low < high:
        middle = (low + high + 1) // 2
        if key[low:middle] == tokens[start + low : start + middle]:
            low = middle
        else:
            high = middle - 1
    return low
