"""Retiring a step: logits become tokens, tokens become events, streams go on or end."""

from __future__ import annotations

from torch import Tensor

from sglc.compiler.plan.seeds import uniform
from sglc.runtime.core.events import Embedded, Scored
from sglc.runtime.engine.embedding import unit_vectors
from sglc.runtime.engine.logprobs import token_logprobs, top_logprobs
from sglc.runtime.engine.sampler import Draw, argmax_rows, sample
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.plan import EmbedPick, ForcedPick, Sample, ScorePick, StepPlan
from sglc.runtime.scheduler.progress import Progress
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import DecodeState, Stream


class Retirement:
    """Takes in the logits of a step."""

    def __init__(self, state: SchedulerState, progress: Progress) -> None:
        self._state = state
        self._progress = progress

    def retire(self, plan: StepPlan, logits: Tensor | None, hidden: Tensor | None) -> None:
        """Sample, score, embed and move on.

        Logits are [R, V], hidden states [R, H], of the same rows; None of what nobody waits for.
        """
        if logits is not None:
            self._score(plan.picks, logits)
            self._forced(plan.forced, logits)
            self._decode(plan.samples, logits)
        if hidden is not None:
            self._embed(plan.embeds, hidden)
        for stream in plan.ended:
            self._progress.decoding.end(stream)
            self._next_op(stream)
        for stream in plan.scored:
            assert isinstance(stream.work, ChoiceTrie)
            self._state.events.append(Scored(stream.id, stream.op, stream.work.result()))
            self._next_op(stream)
        for stream in plan.completed:
            self._state.complete(stream)

    def _embed(self, picks: list[EmbedPick], hidden: Tensor) -> None:
        vectors = unit_vectors(hidden, [pick.row for pick in picks])
        for (stream, _), vector in zip(picks, vectors, strict=True):
            self._state.events.append(Embedded(stream.id, stream.op, vector))
            self._next_op(stream)

    def _score(self, picks: list[ScorePick], logits: Tensor) -> None:
        if not picks:
            return
        values = token_logprobs(logits, [p.row for p in picks], [p.token for p in picks])
        for pick, value in zip(picks, values, strict=True):
            assert isinstance(pick.stream.work, ChoiceTrie)
            pick.stream.work.nodes[pick.node].logprob = value
        self._alternatives(picks, logits)

    def _alternatives(self, picks: list[ScorePick], logits: Tensor) -> None:
        """Fill in the most probable tokens at the places of scores that want them."""
        places: dict[tuple[int, int], tuple[ChoiceTrie, int, int]] = {}
        for stream, row, node, _ in picks:
            trie = stream.work
            if isinstance(trie, ChoiceTrie) and trie.num_top:
                parent = trie.nodes[node].parent
                places[stream.id, parent] = (trie, parent, row)
        wanted = list(places.values())
        rows, counts = [row for _, _, row in wanted], [trie.num_top for trie, _, _ in wanted]
        for (trie, node, _), top in zip(wanted, top_logprobs(logits, rows, counts), strict=True):
            trie.nodes[node].top = top

    def _forced(self, picks: list[ForcedPick], logits: Tensor) -> None:
        """Fill in the log probabilities of forced ids."""
        if not picks:
            return
        decodes: list[DecodeState] = []
        for pick in picks:
            assert type(pick.stream.work) is DecodeState
            decodes.append(pick.stream.work)
        rows = [pick.row for pick in picks]
        ids = [decode.ids[p.place] for p, decode in zip(picks, decodes, strict=True)]
        counts = [decode.op.num_logprobs or 0 for decode in decodes]
        values, tops = token_logprobs(logits, rows, ids), top_logprobs(logits, rows, counts)
        for pick, decode, value, top in zip(picks, decodes, values, tops, strict=True):
            decode.logprobs[pick.place] = value
            decode.top_logprobs[pick.place] = top

    def _decode(self, samples: list[Sample], logits: Tensor) -> None:
        if not samples:
            return
        tokens = self._choose(samples, logits)
        self._log_probabilities(samples, tokens, logits)
        self._state.counters.decoded_tokens += sum(token >= 0 for token in tokens)
        for (stream, _), token in zip(samples, tokens, strict=True):
            self._accept(stream, token)

    def _choose(self, samples: list[Sample], logits: Tensor) -> list[int]:
        """Return a token per sample, -1 where nothing is allowed."""
        tokens = [-1] * len(samples)
        draws: list[Draw] = []
        drawn: list[int] = []
        best: list[int] | None = None
        for i, (stream, row) in enumerate(samples):
            decode = stream.work
            assert type(decode) is DecodeState
            if decode.is_plain:
                if best is None:
                    best = argmax_rows(logits)
                tokens[i] = best[row]
            else:
                draws.append(_draw(decode, row, self._state.max_context))
                drawn.append(i)
        if draws:
            for i, token in zip(drawn, sample(logits, draws), strict=True):
                tokens[i] = token
        return tokens

    def _log_probabilities(self, samples: list[Sample], tokens: list[int], logits: Tensor) -> None:
        at: list[tuple[DecodeState, int, int, int]] = []
        for (stream, row), token in zip(samples, tokens, strict=True):
            decode = stream.work
            assert type(decode) is DecodeState
            if decode.op.num_logprobs is not None and token >= 0:
                at.append((decode, row, token, decode.op.num_logprobs))
        if not at:
            return
        rows = [row for _, row, _, _ in at]
        values = token_logprobs(logits, rows, [token for _, _, token, _ in at])
        tops = top_logprobs(logits, rows, [count for _, _, _, count in at])
        for (decode, _, _, _), value, top in zip(at, values, tops, strict=True):
            decode.logprobs.append(value)
            decode.top_logprobs.append(top)

    def _accept(self, stream: Stream, token: int) -> None:
        """Take a sampled token, and go on in the script when it ends the decode."""
        if token < 0:
            assert type(stream.work) is DecodeState
            if self._progress.decoding.end_as_member(stream):
                self._next_op(stream)
                return
            self._state.fail(
                stream,
                "the constraint allows no token of the vocabulary after "
                f"{len(stream.work.ids)} tokens of this decode",
            )
        elif self._progress.decoding.take(stream, token):
            self._next_op(stream)

    def _next_op(self, stream: Stream) -> None:
        """Take up what comes next, in the same slots."""
        memory = self._state.memory
        memory.unlock_choices(stream)
        memory.commit(stream)
        stream.work = None
        stream.decoding = False
        stream.op += 1
        if not self._progress.settle(stream) and not stream.is_gone:
            self._state.complete(stream)


def _draw(decode: DecodeState, row: int, max_context: int) -> Draw:
    params = decode.op.sampling
    count = len(decode.ids)
    mask = None
    if decode.guide is not None:
        budget = min(decode.op.max_tokens, max_context - decode.start)
        mask = decode.guide.mask(budget - count)
    return Draw(
        row=row,
        params=params,
        u=0.0 if params.is_greedy else uniform(decode.op.key, count),
        mask=mask,
        banned=decode.banned if count < params.min_new_tokens else (),
        seen=decode.seen,
        counts=decode.counts,
    )
