"""The radix tree and the pool against a model that knows whole sequences only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sglc.runtime.kvcache.pool import SlotPool
from sglc.runtime.kvcache.radix import Node, RadixTree

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=8)
NUM_SLOTS = 25


class TreeMachine(RuleBasedStateMachine):
    """Streams come, lock what they find and add the rest, leave; slots are evicted in between.

    ``known`` maps every cached prefix to its slot; ``held`` are the sequences of live streams, by
    one of a few users; ``users`` are all that ever used a prefix.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pool = SlotPool(NUM_SLOTS)
        self.tree = RadixTree(self.pool)
        self.known: dict[tuple[int, ...], int] = {}
        self.held: list[tuple[tuple[int, ...], Node]] = []
        self.users: dict[tuple[int, ...], set[int]] = {}
        self.used: dict[tuple[int, ...], int] = {}
        self.clock = 0

    @rule(tokens=TOKENS)
    def lookup(self, tokens: list[int]) -> None:
        _, length = self.tree.match(tokens, self.tree.root)
        assert length == len(self.cached_slots(tokens))
        _, slots = self.tree.walk(self.tree.root, tokens, 0, len(tokens))
        assert slots.tolist() == self.cached_slots(tokens)
        self.touch(tokens[: len(slots)])

    @rule(tokens=TOKENS, user=st.integers(0, 2))
    def enter(self, tokens: list[int], user: int) -> None:
        node, slots = self.tree.walk(self.tree.root, tokens, 0, len(tokens))
        assert slots.tolist() == self.cached_slots(tokens)
        self.tree.lock(node, user=user)
        self.use(tokens[: len(slots)], user)
        rest = len(tokens) - len(slots)
        if rest > self.pool.num_free:
            self.held.append((tuple(tokens[: len(slots)]), node))
            self.touch(tokens[: len(slots)])
            self.evict(rest - self.pool.num_free)
            self.held.pop()
        if rest > self.pool.num_free:
            self.tree.unlock(node)
            return
        if rest:
            fresh = self.pool.alloc(rest)
            leaf = self.tree.append(node, tokens[len(slots) :], fresh)
            self.tree.lock(leaf, above=node, user=user)
            node = leaf
            for n, slot in enumerate(fresh.tolist(), len(slots) + 1):
                self.known[tuple(tokens[:n])] = slot
        self.use(tokens, user)
        self.touch(tokens)
        self.held.append((tuple(tokens), node))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.held) - 1))
        tokens, node = self.held.pop(at)
        self.tree.unlock(node)
        self.touch(tokens)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), user=st.integers(0, 2), keep=st.integers(0, 5))
    def prune(self, data: st.DataObject, user: int, keep: int) -> None:
        path = data.draw(st.sampled_from(sorted(self.known)))
        node, slots = self.tree.walk(self.tree.root, list(path), 0, len(path))
        assert len(slots) == len(path)
        self.touch(path)
        self.tree.prune(node, user, keep)
        for n in range(len(path), keep, -1):
            prefix = tuple(path[:n])
            continues = any(p[:-1] == prefix for p in self.known)
            if continues or self.users[prefix] != {user} or prefix not in self.evictable():
                break
            del self.known[prefix], self.users[prefix]
        assert len(self.found(path)) == len(self.cached_slots(path))

    @rule(count=st.integers(1, 12))
    def evict(self, count: int) -> None:
        before = self.pool.num_free
        free_to_go = self.evictable()
        freed = self.tree.evict(count)
        assert freed == min(count, len(free_to_go))
        assert self.pool.num_free == before + freed
        gone = {p for p in self.known if self.cached_slots(p) != self.found(p)}
        assert gone <= free_to_go
        assert len(gone) == freed
        stay = free_to_go - gone
        for prefix in stay:  # nothing more recent went while an older leaf stayed
            is_leaf = not any(p[:-1] == prefix for p in stay)
            assert not is_leaf or all(self.used[prefix] >= self.used[p] for p in gone)
        for prefix in gone:
            del self.known[prefix], self.users[prefix]

    @invariant()
    def slots_are_in_one_place(self) -> None:
        assert self.tree.cached == len(self.known)
        assert self.pool.num_free + self.tree.cached == self.pool.capacity
        assert self.tree.evictable == len(self.evictable())
        assert len(set(self.known.values())) == len(self.known)

    @invariant()
    def sequences_of_streams_are_whole(self) -> None:
        for tokens, _ in self.held:
            assert len(self.found(tokens)) == len(tokens)

    def use(self, tokens: list[int], user: int) -> None:
        for n in range(1, len(tokens) + 1):
            self.users.setdefault(tuple(tokens[:n]), set()).add(user)

    def touch(self, tokens: list[int] | tuple[int, ...]) -> None:
        self.clock += 1
        for n in range(1, len(tokens) + 1):
            self.used[tuple(tokens[:n])] = self.clock

    def evictable(self) -> set[tuple[int, ...]]:
        return {p for p in self.known if not any(t[: len(p)] == p for t, _ in self.held)}

    def cached_slots(self, tokens: list[int] | tuple[int, ...]) -> list[int]:
        prefixes = (tuple(tokens[:n]) for n in range(1, len(tokens) + 1))
        return [self.known[p] for p in prefixes if p in self.known]

    def found(self, tokens: tuple[int, ...]) -> list[int]:
        """Read the tree without touching it."""
        node, slots, at = self.tree.root, [], 0
        while at < len(tokens) and tokens[at] in node.children:
            node = node.children[tokens[at]]
            for token, slot in zip(node.key, node.slots.tolist(), strict=True):
                if at == len(tokens) or tokens[at] != token:
                    return slots
                slots.append(slot)
                at += 1
        return slots


TestTree = TreeMachine.TestCase
TestTree.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_pool_refuses_double_free() -> None:
    pool = SlotPool(5)
    slots = pool.alloc(3)
    assert 0 not in slots.tolist()
    with pytest.raises(ValueError, match="twice"):
        pool.free(np.concatenate([slots, slots]))
    pool.free(slots)
    with pytest.raises(ValueError, match="not in use"):
        pool.free(slots[:1])
    with pytest.raises(ValueError, match="cannot allocate 5 slots, 4 are free"):
        pool.alloc(5)


def test_split_keeps_the_lower_node() -> None:
    pool = SlotPool(10)
    tree = RadixTree(pool)
    leaf = tree.append(tree.root, [1, 2, 3, 4], pool.alloc(4))
    tree.lock(leaf)
    node, slots = tree.walk(tree.root, [1, 2, 9], 0, 3)
    assert (len(slots), node.key, leaf.key) == (2, [1, 2], [3, 4])
    assert tree.evictable == 0
    tree.unlock(leaf)
    assert tree.evictable == 4
