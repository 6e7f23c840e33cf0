"""Masks made ahead and kept on disk are those that would be built, and are not built again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.artifacts import ArtifactFolder
from sglc.constraints.automaton import Automaton
from sglc.runtime.core.script import Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.precompute import StateMasks, precompute
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.masks.trie import TokenTrie

PATTERNS = ["a*", "(a|ab)c?", "[ab]{2,4}", '"[^"]*"', "é+", "(ab|ba)+c", ".{0,3}", r"\w{3}", "[^a]"]
TOKENS = st.lists(st.text('abcé"', max_size=4).map(str.encode) | st.binary(max_size=3), max_size=25)
BYTES = [bytes([byte]) for byte in range(256)]
EVERY = 10_000


def make(vocabulary: Vocabulary, constraint: Constraint, max_states: int = EVERY) -> StateMasks:
    eos = np.array(sorted(vocabulary.eos_ids), np.int64)
    return precompute(TokenTrie(vocabulary.token_bytes), constraint, eos, max_states)


def reachable(machine: Automaton, pieces: tuple[bytes, ...]) -> list[int]:
    """States that tokens lead to, those near the start first."""
    found = [machine.start] if machine.start else []
    for state in found:
        after = {machine.run(state, piece) for piece in pieces if piece}
        found += sorted(after.difference(found, [0]))
    return found


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    tokens=TOKENS,
    all_bytes=st.booleans(),
    pattern=st.sampled_from(PATTERNS),
    end=st.sampled_from(["closed", "leave", "eos"]),
)
def test_masks_made_ahead_are_those_that_would_be_built(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: list[bytes],
    all_bytes: bool,
    pattern: str,
    end: EndRule,
) -> None:
    vocabulary = Vocabulary.of([*tokens, *(BYTES if all_bytes else []), b"", b""], [len(tokens)])
    machine = Automaton.from_regex(pattern)
    constraint = Constraint(machine, end)
    made = make(vocabulary, constraint)
    states = reachable(machine, vocabulary.token_bytes)
    assert np.flatnonzero(made.mask_of >= 0).tolist() == sorted(states)
    assert made.num_left_out == 0
    assert len({mask.digest for mask in made.masks}) == len(made.masks)
    store = MaskStore(ArtifactFolder(tmp_path_factory.mktemp("masks")), "", vocabulary)
    assert store.load(constraint) is None
    assert store.save(constraint, made) > 0
    built, stored = MaskCache(vocabulary, 1), MaskCache(vocabulary, 1, store)
    for state in states:
        wanted = built.get(constraint, state).ids().tolist()
        assert made.masks[made.mask_of[state]].ids().tolist() == wanted
        assert stored.get(constraint, state).ids().tolist() == wanted
    assert stored.masks_built == 0
    assert stored.masks_loaded == len(states)
    for state in states:
        for left in (1, 2, 5):
            near = built.get_closing(constraint, state, left).ids().tolist()
            assert stored.get_closing(constraint, state, left).ids().tolist() == near


def test_far_from_the_budget_nothing_is_built(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(BYTES, [])
    machine = Automaton.from_regex("[ab]{3}c{4}")
    constraint = Constraint(machine, "closed")
    store = MaskStore(ArtifactFolder(tmp_path), "", vocabulary)
    store.save(constraint, make(vocabulary, constraint))
    cache = MaskCache(vocabulary, 1, store)
    for done, state in enumerate(reachable(machine, tuple(BYTES))[:-1]):
        assert cache.get_closing(constraint, state, 7 - done).ids().tolist()
    assert cache.masks_built == 0


def test_there_is_a_limit(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(BYTES, [])
    machine = Automaton.from_regex("a{50}")
    constraint = Constraint(machine, "closed")
    made = make(vocabulary, constraint, max_states=20)
    assert int((made.mask_of >= 0).sum()) == 20
    assert made.num_left_out >= 1
    store = MaskStore(ArtifactFolder(tmp_path), "", vocabulary)
    store.save(constraint, made)
    cache = MaskCache(vocabulary, 1, store)
    state = machine.start
    for _ in range(50):
        assert cache.get(constraint, state).ids().tolist() == [ord("a")]
        state = machine.step(state, ord("a"))
    assert cache.masks_built == 30
    assert cache.masks_loaded == 20


def test_another_vocabulary_end_rule_or_automaton_is_another_key(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path)
    vocabulary = Vocabulary.of([*BYTES, b""], [256])
    constraint = Constraint(Automaton.from_regex("a+"), "leave")
    MaskStore(folder, "x", vocabulary).save(constraint, make(vocabulary, constraint))
    assert MaskStore(folder, "x", vocabulary).load(constraint) is not None
    same = Constraint(Automaton.from_regex("a*a"), "leave")
    assert MaskStore(folder, "x", vocabulary).load(same) is not None
    others = [
        (MaskStore(folder, "y", vocabulary), constraint),
        (MaskStore(folder, "x", Vocabulary.of([*BYTES, b""], [])), constraint),
        (MaskStore(folder, "x", Vocabulary.of([*BYTES, b"", b""], [256])), constraint),
        (MaskStore(folder, "x", vocabulary), Constraint(constraint.machine, "eos")),
        (MaskStore(folder, "x", vocabulary), Constraint(Automaton.from_regex("b+"), "leave")),
    ]
    assert [store.load(other) for store, other in others] == [None] * len(others)


def test_a_damaged_mask_is_built_again(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(BYTES, [])
    constraint = Constraint(Automaton.from_regex("a[b-z]"), "closed")
    store = MaskStore(ArtifactFolder(tmp_path), "", vocabulary)
    store.save(constraint, make(vocabulary, constraint))
    (file,) = tmp_path.glob("masks/*")
    whole = bytearray(file.read_bytes())
    found = store.load(constraint)
    assert found is not None
    end = whole.rindex(found.words.tobytes()) + found.words.nbytes
    whole[end - 1] ^= 1  # in the mask of the second state
    file.write_bytes(whole)
    cache = MaskCache(vocabulary, 1, store)
    assert cache.get(constraint, 1).ids().tolist() == [ord("a")]
    assert cache.get(constraint, 2).ids().tolist() == list(range(ord("b"), ord("z") + 1))
    assert (cache.masks_loaded, cache.masks_built) == (1, 1)


def test_a_damaged_index_is_not_there(tmp_path: Path) -> None:
    """A state must not get the mask of another one."""
    vocabulary = Vocabulary.of(BYTES, [])
    constraint = Constraint(Automaton.from_regex("a[b-z]"), "closed")
    store = MaskStore(ArtifactFolder(tmp_path), "", vocabulary)
    store.save(constraint, make(vocabulary, constraint))
    (file,) = tmp_path.glob("masks/*")
    found = store.load(constraint)
    assert found is not None
    for array in (found.mask_of, found.reach, found.begins, found.checks):
        whole = bytearray(file.read_bytes())
        assert whole.count(array.tobytes()) >= 1
        whole[whole.rindex(array.tobytes()) + array.itemsize] ^= 1
        file.unlink()  # whoever has mapped it keeps what it was
        file.write_bytes(whole)
        assert store.load(constraint) is None
        store.save(constraint, make(vocabulary, constraint))
