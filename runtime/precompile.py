"""What a program's constraints need before it runs: automata, and the masks of a vocabulary."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sglc.compiler.plan.plan import Loc, Plan, walk
from sglc.constraints.artifacts import ArtifactFolder
from sglc.constraints.automaton import Automaton
from sglc.constraints.language import until
from sglc.constraints.store import AutomatonStore
from sglc.constraints.types import Type
from sglc.runtime.core.script import Constraint, too_short
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.executor.compile_process import Prepared, prepare
from sglc.runtime.executor.options import known_stop
from sglc.runtime.executor.stored import StoredConstraints
from sglc.runtime.masks.closing import Needs, Spellings
from sglc.runtime.masks.precompute import precompute
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.masks.trie import TokenTrie

MAX_STATES: Final = 65_536  # of which masks are made


@dataclass(slots=True)
class Precompiled:
    """What was made for one constraint; sizes are 0 for what was there already.

    ``num_masks`` is None where masks are made while the program runs, or nobody asked for them;
    ``num_left_out`` are the states whose masks are made then because they are one too many.
    ``need``: the fewest tokens of a member, None if no vocabulary is given. ``refusal``: where and
    why the constraint cannot be used; then nothing was made.
    """

    name: str
    type: Type
    num_states: int = 0
    is_automaton: bool = True
    seconds: float = 0.0
    automaton_bytes: int = 0
    num_masks: int | None = None
    num_left_out: int = 0
    mask_bytes: int = 0
    mask_seconds: float = 0.0
    need: int | None = None
    refusal: str | None = None


class NotWrittenError(OSError):
    """The folder takes nothing."""


class Precompiler:
    """Fills a folder. With a vocabulary, masks are made too; ``digest`` is its tokenizer's."""

    def __init__(
        self,
        folder: ArtifactFolder,
        vocabulary: Vocabulary | None = None,
        digest: str = "",
        *,
        max_states: int = MAX_STATES,
    ) -> None:
        self._folder = folder
        self._automata = AutomatonStore(folder)
        self._stored = StoredConstraints(self._automata)
        self._max_states = max_states
        self._vocabulary = vocabulary
        if vocabulary is not None:
            self._masks = MaskStore(folder, digest, vocabulary)
            self._trie = TokenTrie(vocabulary.token_bytes)
            self._spellings = Spellings(vocabulary)

    def run(self, plan: Plan) -> Iterator[Precompiled]:
        """Make what the constraints of a plan need, one after the other.

        Raises:
            NotWrittenError: what was made could not be written.
        """
        places: dict[tuple[str, Type], Loc | None] = {}
        for name, t, _, loc in _gens(plan):
            places.setdefault((name, t), loc)
        for (name, t), loc in places.items():
            try:
                yield self._one(name, t)
            except ValueError as error:
                yield Precompiled(name, t, refusal=f"{loc}: {t} cannot be used: {error}")

    def _one(self, name: str, t: Type) -> Precompiled:
        found = Precompiled(name, t)
        start = time.perf_counter()
        prepared = self._stored.load(t)
        if prepared is None:
            prepared = prepare(t)
            found.automaton_bytes = self._save(prepared)
        found.seconds = time.perf_counter() - start
        machine = prepared.constraint.machine
        found.is_automaton = isinstance(machine, Automaton)
        found.num_states = machine.num_states
        if self._vocabulary is not None:
            found.need = Needs(machine, self._spellings).of(machine.start)
            if found.is_automaton:
                self._make_masks(prepared.constraint, found)
        return found

    def _save(self, prepared: Prepared) -> int:
        machines = prepared.machines.items()
        return sum(
            self._written(self._automata.save(t, m))
            for t, m in machines
            if isinstance(m, Automaton)
        )

    def _written(self, num_bytes: int) -> int:
        if not num_bytes:
            raise NotWrittenError(f"{self._folder.path} cannot be written")
        return num_bytes

    def _make_masks(self, constraint: Constraint, found: Precompiled) -> None:
        assert self._vocabulary is not None
        start = time.perf_counter()
        known = self._masks.load(constraint)
        num_known = 0 if known is None else int((known.mask_of >= 0).sum())
        if known is not None and (not known.num_left_out or num_known >= self._max_states):
            found.num_masks = len(known.checks)
            found.num_left_out = known.num_left_out
        else:
            eos = np.array(sorted(self._vocabulary.eos_ids), np.int64)
            made = precompute(self._trie, constraint, eos, self._max_states)
            found.num_masks = len(made.masks)
            found.num_left_out = made.num_left_out
            found.mask_bytes = self._written(self._masks.save(constraint, made))
        found.mask_seconds = time.perf_counter() - start


def impossible_budgets(plan: Plan, made: list[Precompiled]) -> Iterator[tuple[Loc | None, str]]:
    """The places of gens whose budget no text fits, each with what is wrong."""
    needs = {each.type: each.need for each in made}
    for _, t, max_tokens, loc in _gens(plan):
        need = needs.get(t)
        if need is not None and max_tokens is not None and need > max_tokens:
            yield loc, too_short(need, max_tokens)


def _gens(plan: Plan) -> Iterator[tuple[str, Type, int | None, Loc | None]]:
    """The constrained gens: constraint and what it is with stop texts, known budget, place."""
    for function in plan.functions.values():
        for node in walk(function.body):
            name = node.attrs.get("constraint")
            if node.op == "gen" and name is not None:
                budget = node.attrs.get("max_tokens")
                t = until(plan.constraints[str(name)], known_stop(node) or ())
                yield str(name), t, budget if type(budget) is int else None, node.loc
