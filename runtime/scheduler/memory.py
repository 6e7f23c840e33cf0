"""Where a stream's K/V lives: taking, sharing and giving back slots.

Every slot is in exactly one place: free, cached (owned by the tree) or held (owned by a stream).
Prefilled tokens go into the tree when their slots are allocated, so that another stream of the
same step attends to them instead of computing them again; they are computed by the end of it.

A held stream keeps its place, a row and the lock on its path, as long as nobody needs it: where
rows or slots are short, the stream held longest is parked, before anything else has to give way.

Without a cache every stream with a place has a tree of its own: what it computed it finds again,
as after a score, but nobody else does, and nothing of it is left when it gives its place back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sglc.runtime.kvcache.pool import SlotPool, Slots
from sglc.runtime.kvcache.radix import Node, RadixTree, root_of
from sglc.runtime.kvcache.table import SlotTable
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.stream import Stream


class SlotUsage(NamedTuple):
    """Number of slots: ``free + cached + held == total`` between steps."""

    free: int
    cached: int
    held: int
    total: int


class KVMemory:
    """Pool, tree and slot table, kept consistent."""

    def __init__(
        self, num_slots: int, max_rows: int, max_context: int, *, is_shared: bool = True
    ) -> None:
        self._is_shared = is_shared
        self.pool = SlotPool(num_slots)
        self.tree = RadixTree(self.pool)
        self.table = SlotTable(max_rows, max_context)
        self.num_parked = 0
        self._held: dict[int, Stream] = {}  # by id, those with a place, the one held longest first

    @property
    def num_available(self) -> int:
        """Slots that ``alloc`` can hand out, cached ones that nobody uses included."""
        return self.pool.num_free + self.tree.evictable

    @property
    def num_used(self) -> int:
        """Slots that hold something, cached ones included."""
        return self.pool.capacity - self.pool.num_free

    def usage(self, streams: Iterable[Stream]) -> SlotUsage:
        """Count the slots; ``streams`` are all that run."""
        if not self._is_shared:
            return SlotUsage(self.pool.num_free, 0, self.num_used, self.pool.capacity)
        held = sum(s.computed - s.owned_from for s in streams)
        return SlotUsage(self.pool.num_free, self.tree.cached, held, self.pool.capacity)

    @property
    def has_row(self) -> bool:
        """Whether a stream can get a row."""
        return bool(self.table.num_free or self._held)

    def could_secure(self, count: int) -> bool:
        """Whether ``count`` slots would be available if all held streams were parked."""
        missing = count - self.num_available
        if missing <= 0 or not self._held:
            return missing <= 0
        visits: Counter[Node] = Counter()
        for stream in self._held.values():
            node: Node | None = stream.node
            while node is not None:
                visits[node] += 1
                node = node.parent
        return missing <= sum(len(n.key) for n, count in visits.items() if n.locks == count)

    def secure(self, count: int) -> int:
        """Park held streams until ``count`` slots are available; return how many then are."""
        while self.num_available < count and self._held:
            self._park()
        return self.num_available

    def alloc(self, count: int) -> Slots | None:
        """Take ``count`` slots, parking and evicting as needed; None if there are not enough."""
        if self.pool.num_free < count:
            if self.secure(count) < count:
                return None
            self.tree.evict(count - self.pool.num_free)
        return self.pool.alloc(count)

    def root_for(self, stream: Stream) -> Node:
        """The root below which a stream finds what is cached."""
        return self.tree.root_for(stream.request.namespace)

    def attach(self, stream: Stream) -> None:
        """Give a waiting stream a row of the table, and nothing in it."""
        if not self.table.num_free:
            self._park()
        stream.row = self.table.take()
        stream.node = self.root_for(stream) if self._is_shared else self.tree.new_root()
        self.tree.lock(stream.node)
        stream.computed = stream.owned_from = 0

    def share(self, stream: Stream) -> int:
        """Take over what the tree has of the tokens not computed; return how many there were."""
        begin = stream.computed
        assert begin == stream.owned_from
        node, slots = self.tree.walk(stream.node, stream.tokens, begin, len(stream.tokens))
        count = len(slots)
        if count:
            self.tree.lock(node, above=stream.node, user=stream.id)
            self.table.rows[stream.row, begin : begin + count] = slots
            stream.node = node
            stream.computed = stream.owned_from = begin + count
        return count

    def grow(self, stream: Stream, slots: Slots) -> None:
        """Put the next ``len(slots)`` tokens into the tree; ``share`` has found no more of them."""
        begin, end = stream.computed, stream.computed + len(slots)
        self.table.rows[stream.row, begin:end] = slots
        node = self.tree.append(stream.node, stream.tokens[begin:end], slots)
        self.tree.lock(node, above=stream.node, user=stream.id)
        stream.node = node
        stream.computed = stream.owned_from = end

    def truncate(self, stream: Stream, length: int) -> None:
        """Drop the tokens past ``length``, and the slots that the stream owns there.

        Those that belong to the tree stay cached, but for what ``insert=False`` keeps out of it.
        """
        if stream.computed > length:
            row = self.table.rows[stream.row]
            self.pool.free(row[max(length, stream.owned_from) : stream.computed].copy())
            row[length : stream.computed] = 0
            stream.computed = length
        if stream.owned_from > length:
            node, _ = self.tree.walk(root_of(stream.node), stream.tokens, 0, length)
            below = stream.node
            self.tree.unlock(below, above=node)
            stream.node = node
            stream.owned_from = length
            if not stream.request.insert:
                self.tree.prune(below, stream.id, stream.request.shared)
        del stream.tokens[length:]

    def commit(self, stream: Stream) -> None:
        """Hand the slots that the stream owns to the tree; freed where the tree has the tokens."""
        begin, end = stream.owned_from, stream.computed
        if begin == end:
            return
        row = self.table.rows[stream.row]
        own = row[begin:end].copy()
        node, slots = self.tree.walk(stream.node, stream.tokens, begin, end)
        count = len(slots)
        if count:
            self.pool.free(own[:count])
            row[begin : begin + count] = slots
        if begin + count < end:
            node = self.tree.append(node, stream.tokens[begin + count : end], own[count:])
        self.tree.lock(node, above=stream.node, user=stream.id)
        stream.node = node
        stream.owned_from = end

    def hold(self, stream: Stream) -> None:
        """Keep a stream's place until it is needed; what the stream owns goes to the tree."""
        self.commit(stream)
        self._held[stream.id] = stream

    def unhold(self, stream: Stream) -> None:
        """A stream with its place runs again."""
        del self._held[stream.id]

    def _park(self) -> None:
        """Take the place of the stream held longest; its K/V stays cached until that is needed."""
        stream = self._held.pop(next(iter(self._held)))
        self.release(stream)
        self.num_parked += 1

    def let_go(self, stream: Stream) -> None:
        """Take everything from a stream that goes; with ``insert=False`` its part of the tree too.

        What it owns is freed, so commit before.
        """
        if stream.row >= 0:
            self.release(stream)
        if not stream.request.insert and self._is_shared:
            tokens = stream.tokens
            root = self.root_for(stream)
            for leaf in (*stream.scored, self.tree.walk(root, tokens, 0, len(tokens))[0]):
                self.tree.prune(leaf, stream.id, stream.request.shared)

    def release(self, stream: Stream) -> None:
        """Take everything from a running stream; what it owns is freed, so commit before."""
        self.unlock_choices(stream)
        self.pool.free(self.table.rows[stream.row, stream.owned_from : stream.computed].copy())
        self.tree.unlock(stream.node)
        if not self._is_shared:
            self.tree.clear(root_of(stream.node))
        self.table.release(stream.row, stream.computed)
        stream.row = -1
        stream.node = self.tree.root
        stream.computed = stream.owned_from = 0
        stream.decoding = False

    def unlock_choices(self, stream: Stream) -> None:
        """Leave what a score computed to the cache."""
        if isinstance(stream.work, ChoiceTrie):
            for node in stream.work.locked:
                self.tree.unlock(node, above=stream.node)
            stream.scored += stream.work.locked
            stream.work.locked.clear()
