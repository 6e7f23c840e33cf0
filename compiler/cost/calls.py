"""Model calls on abstract versions: what a ``gen`` or a ``select`` costs, and what it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sglc.compiler.cost.decodes import Decode, Decodes, Settings, size_in_bytes, texts_of
from sglc.compiler.cost.interval import ONE, Interval
from sglc.compiler.cost.symbols import Meter, Walk
from sglc.compiler.cost.tally import Figures, Place, Tally
from sglc.compiler.cost.trie import Node, Trie, Work, behind
from sglc.compiler.cost.values import (
    Abstract,
    OneOf,
    Text,
    Top,
    items_of,
    size_of,
    text_span,
)
from sglc.compiler.cost.versions import PLACEHOLDER, Gap, Version
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op
from sglc.compiler.plan.segments import Text as Said
from sglc.compiler.plan.select import context_len
from sglc.compiler.plan.tokenizations import MAX_SCORED_TOKENS

Evaluate = Callable[[Module, str, Mapping[str, Any]], Any]
"""Runs a function that asks no model; raises ``LookupError`` where it has no result."""


class Calls:
    """Costs of the calls of one estimate, which may have many runs; they share a trie."""

    def __init__(self, module: Module, meter: Meter, trie: Trie, settings: Settings) -> None:
        self.module = module
        self.meter = meter
        self.trie = trie
        self.settings = settings
        self.decodes = Decodes(module, meter, settings)
        self.fewest_steps = 0.0
        self.longest: tuple[float, Op | None] = (0, None)

    def gen(
        self, op: Op, place: Place, version: Version, kwargs: Mapping[str, Abstract], *,
        sure: bool, tally: Tally,
    ) -> tuple[Version, Abstract]:  # fmt: skip
        """Count a ``gen``; return the version behind it and its value."""
        options = {**op.attrs, **kwargs}
        decode = self.decodes.decode(op, options)
        walk = self.meter.walk(version)
        heals = self.decodes.heals(options)
        whole = self._bounded(walk.span)
        prompt = whole
        if heals:
            fewest = sum(symbol.lo for symbol in walk.symbols[: walk.settled])
            prompt = Interval(min(max(fewest, min(1, whole.lo)), whole.lo), whole.hi)
        computes = sure and decode.sampled.lo > 0
        self._see(op, walk.span.hi + decode.max_ids)
        end = walk.settled if heals else None
        counts = Figures(calls=ONE, prompt=prompt, decoded=decode.sampled, forced=decode.forced)
        more = decode.forced.hi  # with each of them a sampled one may be computed
        path = self._count(op, place, version, walk, counts, tally, computes, end, more)
        after = self._after_gen(version, walk, path, decode, computes)
        if sure:
            self.fewest_steps = max(self.fewest_steps, version.steps + decode.sampled.lo)
        return after, decode.value

    def _after_gen(
        self, version: Version, walk: Walk, path: list[Node], decode: Decode, computes: bool
    ) -> Version:
        limit = self.meter.rewritten(decode.max_ids, is_free=decode.is_free)
        text = decode.value if isinstance(decode.value, Text) else Text(decode.written, limit)
        is_cached = computes and not decode.is_free and not decode.forced.hi
        gap = Gap(PLACEHOLDER, text, decode.written, limit, True, is_cached)
        after = version.append(gap)
        after.steps = version.steps + decode.sampled.lo
        if computes:
            after.called = path
        next_walk = self.meter.walk(after)
        node = path[walk.settled - 1] if walk.settled else self.trie.root
        names = next_walk.symbols[walk.settled : walk.settled + 1]
        if path[walk.settled :]:  # the decode begins behind tokens that may be cut in other ways
            path[-1].writes.add(decode)
        else:
            node.writes.update(symbol.key for symbol in names)
        if not names:
            node.writes.add(decode)
        elif decode.is_cut:
            self.trie.path(next_walk)[-1].writes.add(decode)
        return after

    def select(
        self, op: Op, place: Place, version: Version, choices: Abstract, *, sure: bool, tally: Tally
    ) -> tuple[Version, Abstract, Abstract]:
        """Count a ``select``; return the version behind it, the winner and the shares."""
        texts = texts_of(choices)
        walk = self.meter.walk(version)
        is_all = op.attrs.get("tokenizations") == "all"
        prompt, scored, extra = self._scoring(op, version, walk, choices, is_all)
        is_known = texts is not None and (self.meter.is_bytewise or prompt.is_exact)
        computes = sure and is_known
        length = 0 if texts is None else max(map(size_in_bytes, texts))
        self._see(op, walk.span.hi + length)
        counts = Figures(calls=ONE, prompt=prompt, scored=scored)
        path = self._count(op, place, version, walk, counts, tally, computes, walk.settled, extra)
        node = path[walk.settled - 1] if walk.settled else self.trie.root
        if computes and scored.lo:
            self.fewest_steps = max(self.fewest_steps, version.steps + 1)
        winner = Text() if texts is None else OneOf(tuple(texts))
        span = text_span(winner)
        is_cached = computes and op.attrs.get("by", "token_avg") in ("token_avg", "greedy", None)
        after = version.append(Gap(PLACEHOLDER, winner, span, math.inf, True, is_cached))
        after.steps = version.steps + (1 if computes else 0)
        if computes and self.meter.is_bytewise:
            after.called = path
        next_walk = self.meter.walk(after)
        symbols = next_walk.symbols[walk.settled : walk.settled + 1]
        node.writes.update(symbol.key for symbol in symbols)
        if not symbols or not self.meter.is_bytewise:
            node.writes.add(after)
        elif texts is None or _is_begun(texts):
            self.trie.path(next_walk)[-1].writes.add(after)
        return after, winner, Top()

    def _scoring(
        self, op: Op, version: Version, walk: Walk, choices: Abstract, is_all: bool
    ) -> tuple[Interval, Interval, float]:
        """Tokens given and scored, and those of choices that are scored alone."""
        texts = texts_of(choices)
        settled = sum(symbol.lo for symbol in walk.symbols[: walk.settled])
        prompt = self._bounded(Interval(min(max(settled, 1), max(walk.span.lo, 1)), walk.span.hi))
        if texts is None:
            count = size_of(choices).hi if op.attrs.get("by") == "unconditional" else 0
            longest = self.settings.max_context or math.inf
            spans = [text_span(item).hi for item in items_of(choices) or ()]
            total = sum(min(span * self.meter.growth, longest) for span in spans)
            scored = Interval(0, total if spans else math.inf).plus(Interval(0, count and total))
            return Interval(0, max(prompt.hi, 1) + count), scored, count
        size = sum(len(text.encode()) for text in texts)
        scored = Interval(0, size * self.meter.growth + walk.tail.hi * len(texts))
        ids = self._choice_ids(version, walk, texts)
        if ids is not None:
            own = [symbol.key for symbol in walk.symbols if isinstance(symbol.key, int)]
            context = context_len([own, *ids])
            scored = Interval.exactly(_num_inner([list(i)[context:] for i in ids]))
            prompt = Interval.exactly(context)
        elif self.meter.is_bytewise:
            scored = Interval.exactly(_num_inner([text.encode() for text in texts]))
            prompt = self._bounded(Interval(max(walk.span.lo, 1), max(walk.span.hi, 1)))
        extra = 0.0
        if op.attrs.get("by") == "unconditional":
            extra = float(len(texts))
            prompt = Interval(prompt.lo, prompt.hi + extra)
            scored = Interval(scored.lo, scored.hi + size * self.meter.growth)
        if is_all and not self.meter.is_bytewise:
            prompt, scored = Interval(1, prompt.hi), Interval(0, MAX_SCORED_TOKENS)
        return prompt, scored, extra

    def _choice_ids(
        self, version: Version, walk: Walk, texts: Sequence[str]
    ) -> list[list[int]] | None:
        """The ids of the stream with each choice behind it, where the stream is known."""
        if not all(isinstance(symbol.key, int) for symbol in walk.symbols):
            return None
        walks = [self.meter.walk(version.append(Said(text))) for text in texts]
        return [[s.key for s in each.symbols if isinstance(s.key, int)] for each in walks]

    def _count(
        self, op: Op, place: Place, version: Version, walk: Walk, counts: Figures, tally: Tally,
        computes: bool, end: int | None, more: float,
    ) -> list[Node]:  # fmt: skip
        """Add a call to the tally and to the trie.

        ``end``: how many nodes it surely needs; ``more``: the most tokens it computes besides.
        """
        path = self.trie.path(walk)
        for node in path:
            node.places.add(place)
        if computes:
            for node in path[:end]:
                node.sure = True
        prompt = counts.prompt
        if version.held is not None:  # a stream that goes on is given only what is new
            new = sum(node.least for node in behind(path, version.held))
            prompt = Interval(min(new, prompt.lo), prompt.hi)
        if self._is_shared(op):
            work = Work(prompt.lo, counts.decoded.lo, counts.scored.lo)
            counts = replace(counts, prompt=prompt.maybe(), decoded=counts.decoded.maybe())
        else:  # scores of equal choices side by side share their tokens all the same
            work = Work(scored=counts.scored.lo)
            counts = replace(counts, prompt=prompt)
        if computes:
            keys = tuple(node.symbol.key for node in path[walk.settled :])
            is_known = all(isinstance(key, int) for key in keys)
            last = path[walk.settled - 1] if walk.settled else self.trie.root
            found = last.work.setdefault(keys if is_known else None, {})
            found[place] = found.get(place, Work()).most(work)
        counts = replace(counts, scored=counts.scored.maybe())
        runs = computes and not self._is_shared(op)
        if op.attrs.get("hold"):
            version.held = path
        limit = self.settings.max_context or math.inf
        own = min(self.trie.own_cost(version, place), limit) + more
        paid = min(self.trie.pay(path), limit) + more
        chunks = _parts(min(own, limit), self.settings.chunk_size)
        steps = chunks - 1 + counts.decoded.hi
        if counts.decoded.hi == 0:
            steps = chunks + _parts(counts.scored.hi, self.settings.chunk_size) + more
        steps += 1 if op.attrs.get("logprob") else 0
        figures = _with_cache(counts, own, steps, runs)
        tally.add(place, figures, _with_cache(counts, paid, steps, runs))
        return path

    def warm(self, place: Place, version: Version, tally: Tally) -> None:
        """Count a version that is computed ahead of its call."""
        walk = self.meter.walk(version)
        path = self.trie.path(walk)
        for node in path:
            node.places.add(place)
        limit = self.settings.max_context or math.inf
        own = min(self.trie.own_cost(version, place), limit)
        paid = min(self.trie.pay(path), limit)
        version.held = path
        steps = _parts(own, self.settings.chunk_size)
        given = Figures(prompt=self._bounded(walk.span).maybe())
        figures = _with_cache(given, own, steps, False)
        tally.add(place, figures, _with_cache(given, paid, steps, False))

    def _is_shared(self, op: Op) -> bool:
        """Whether an equal call that is open at the same time may be asked instead."""
        if not self.module.hints.get("single_flight"):
            return False
        if not op.spec.site:
            return True
        return op.kwarg("temperature") is None and not op.attrs.get("temperature", 0)

    def _bounded(self, span: Interval) -> Interval:
        """A length of a stream that fits into the context."""
        return span.at_most(self.settings.max_context or math.inf)

    def _see(self, op: Op, length: float) -> None:
        """Remember where the longest stream ends."""
        if length > self.longest[0]:
            self.longest = (length, op)


def _with_cache(counts: Figures, computed: float, steps: float, runs: bool) -> Figures:
    """Figures of a call that computes so many tokens at most; unless it ``runs``, maybe none."""
    fewest = counts.prompt.lo if runs else 0
    return replace(
        counts,
        cached=Interval(fewest, counts.prompt.hi + counts.forced.hi),
        prefilled=Interval(0, computed),
        steps=Interval(0, steps),
    )


def _parts(size: float, most: int) -> float:
    """How many parts of at most ``most`` there are, one at least."""
    return size if size == math.inf else max(math.ceil(size / most), 1)


def _is_begun(texts: Sequence[str]) -> bool:
    """Whether one of the texts begins with another one."""
    return any(a != b and b.startswith(a) for a in texts for b in texts)


def _num_inner(sequences: Iterable[Sequence[object]]) -> int:
    """How many tokens of a trie have others behind them: those a score computes."""
    inner = {tuple(ids[:end]) for ids in sequences for end in range(1, len(ids))}
    return len(inner)
