"""A decode as its definition says: every token from the whole sequence, every rule spelled out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from sglc.compiler.plan.seeds import uniform
from sglc.runtime.core.events import DecodeResult, Finish
from sglc.runtime.core.script import NEVER, Constraint, Decode, too_short
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.jump_reference import jump_reference
from sglc.runtime.engine.sample_reference import (
    log_softmax_reference,
    sample_reference,
    top_reference,
)

Model = Callable[[Sequence[int]], list[float]]  # token ids so far -> logits, [V]


class Refused(Exception):
    """The stream cannot go on."""


def starts_complete(constraint: Constraint, vocabulary: Vocabulary, budget: int) -> bool:
    """Whether the empty text is a member that nothing can be added to.

    Raises:
        Refused: there is no member, or with ``closing`` none that ``budget`` tokens can spell.
    """
    machine = constraint.machine
    if not machine.start:
        raise Refused("the constraint of this decode admits no text at all")
    need = _need(vocabulary, machine.completion(machine.start))
    if constraint.closing and budget > 0 and need > budget:
        raise Refused(too_short(need, budget))
    return _is_complete(constraint, b"")


class DecodeRun:
    """One decode; ``tokens`` is the stream with what was sampled so far."""

    def __init__(
        self,
        op: Decode,
        model: Model,
        vocabulary: Vocabulary,
        prompt: Sequence[int],
        max_context: int,
        encoder: TextEncoder | None,
    ) -> None:
        self.op = op
        self.tokens = list(prompt)
        self.forced_tokens = 0
        self.sampled_tokens = 0
        self._model = model
        self._encoder = encoder if op.jump else None
        self._start = len(prompt)
        self._budget = min(op.max_tokens, max_context - len(prompt))
        self.finish: Finish | None = None
        self._matched: str | int | None = None
        self._vocabulary = vocabulary
        self._max_context = max_context
        self._constraint = op.held_to
        self._eos = frozenset() if op.ignore_eos and not self._constraint else vocabulary.eos_ids
        self._ids: list[int] = []
        self._forced: list[bool] = []
        self._data = b""
        self._logprobs: list[float] = []
        self._tops: list[tuple[tuple[int, float], ...]] = []

    def take(self) -> None:
        """Sample a token and see what it ends."""
        op = self.op
        token = self._sample(self._model(self.tokens))
        if token is None:
            self.finish = "constraint"
            return
        self.sampled_tokens += 1
        self._ids.append(token)
        self._forced.append(False)
        if token in self._eos or token in op.stop_ids:
            self.finish = "eos" if token in self._eos else "stop"
            self._matched = token
            return
        self._append(token, self._vocabulary.token_bytes[token])

    def jump(self) -> None:
        """Append what the constraint forces, if it pays."""
        op = self.op
        constraint = self._constraint
        if self._encoder is None or constraint is None or self.finish is not None:
            return
        table = self._vocabulary.token_bytes
        found = jump_reference(
            self._encoder,
            table,
            constraint,
            self._ids,
            max_ids=self._budget,
            ends=self._eos | op.stop_ids,
        )
        if found is None:
            return
        machine = constraint.machine
        after = machine.run(machine.start, b"".join(table[token] for token in found))
        need = _need(self._vocabulary, machine.completion(after))
        if constraint.closing and len(found) + need > self._budget:
            return
        same = 0
        while same < len(self._ids) and self._ids[same] == found[same]:
            same += 1
        del self._ids[same:], self._forced[same:], self.tokens[self._start + same :]
        del self._logprobs[same:], self._tops[same:]
        size = sum(len(table[token]) for token in self._ids)
        for token in found[same:]:
            self._ids.append(token)
            self._forced.append(True)
            self.forced_tokens += 1
            if op.num_logprobs is not None:
                self._note(self._model(self.tokens), token)
            begin, size = size, size + len(table[token])
            self._append(token, table[token][max(0, len(self._data) - begin) :])
            if self.finish is not None:
                return

    def _append(self, token: int, piece: bytes) -> None:
        """Append a token that adds ``piece`` to the text; see what it ends."""
        op = self.op
        self.tokens.append(token)
        for byte in self._within(piece) if piece or not self._forced[-1] else b"":
            self._data += bytes([byte])
            text = self._data[len(op.heal) :]
            found = [s for s in op.stop if text.endswith(s.encode())]
            if found:
                self._matched = max(found, key=lambda s: len(s.encode()))
                self._data = self._data[: -len(self._matched.encode())]
                self.finish = "stop"
                return
        if self.finish is None and (
            len(self._ids) == op.max_tokens or len(self.tokens) == self._max_context
        ):
            self.finish = "length"

    def result(self) -> DecodeResult:
        """Return the outcome."""
        kept = self._ids
        if isinstance(self._matched, int):
            kept = kept[:-1]
        table = self._vocabulary.token_bytes
        while len(b"".join(table[i] for i in kept)) > len(self._data):
            kept = kept[:-1]
        if self.finish is None:
            raise AssertionError("not finished")
        return DecodeResult(
            tuple(self._ids),
            self._data[len(self.op.heal) :].decode(errors="replace"),
            self.finish,
            self._matched,
            tuple(self._logprobs),
            tuple(self._tops) if self.op.num_logprobs else None,
            len(kept),
            sum(self._forced),
        )

    def _sample(self, logits: list[float]) -> int | None:
        """Return a token, None where the text is a member and no token may follow."""
        op = self.op
        try:
            token = sample_reference(
                logits,
                op.sampling,
                uniform(op.key, len(self._ids)),
                allowed=self._allowed(),
                seen=self.tokens,
                produced=self._ids,
                end_ids=self._vocabulary.eos_ids | op.stop_ids,
            )
        except ValueError:
            constraint = self._constraint
            if constraint and constraint.closing and constraint.machine.accepts(self._data):
                return None
            count = len(self._ids)
            raise Refused(f"the constraint allows no token after {count} of them") from None
        self._note(logits, token)
        return token

    def _note(self, logits: list[float], token: int) -> None:
        """Remember the log probability of a token, and the best ones, if they are wanted."""
        if self.op.num_logprobs is not None:
            row = log_softmax_reference(logits)
            self._logprobs.append(row[token])
            self._tops.append(top_reference(row, self.op.num_logprobs))

    def _allowed(self) -> list[bool] | None:
        constraint = self._constraint
        if constraint is None:
            return None
        machine, end = constraint.machine, constraint.end
        accepting = machine.accepts(self._data)
        allowed: list[bool] = []
        left = self._budget - len(self._ids)
        for token, piece in enumerate(self._vocabulary.token_bytes):
            if not piece:
                is_eos = token in self._vocabulary.eos_ids
                allowed.append(accepting and (end == "leave" or (end == "eos" and is_eos)))
            elif state := machine.run(machine.start, self._data + piece):
                need = _need(self._vocabulary, machine.completion(state))
                allowed.append(not constraint.closing or need < left)
            else:
                passes = _last_member(constraint, self._data, piece) is not None
                allowed.append(end == "leave" and passes)
        return allowed

    def _within(self, piece: bytes) -> bytes:
        """Return the bytes of a token that belong to the value; note whether it is complete."""
        constraint = self._constraint
        if constraint is None:
            return piece
        data = self._data + piece
        if not piece or not constraint.machine.prefix_ok(data):
            self.finish = "constraint"
            return piece[: _last_member(constraint, self._data, piece) or 0]
        machine = constraint.machine
        if _is_complete(constraint, data) or machine.run(machine.start, data) in constraint.done:
            self.finish = "constraint"
        return piece


@lru_cache(maxsize=4096)
def _need(vocabulary: Vocabulary, text: bytes) -> int:
    """The fewest tokens that spell ``text``."""
    ends = vocabulary.eos_ids
    pieces = {p for i, p in enumerate(vocabulary.token_bytes) if p and i not in ends}
    needs = [0]
    for end in range(1, len(text) + 1):
        before = [n for n in range(end) if text[n:end] in pieces]
        needs.append(min((needs[n] + 1 for n in before), default=NEVER))
    return min(needs[-1], NEVER)


def _last_member(constraint: Constraint, data: bytes, piece: bytes) -> int | None:
    ends = range(len(piece), -1, -1)
    return next((n for n in ends if constraint.machine.accepts(data + piece[:n])), None)


def _is_complete(constraint: Constraint, data: bytes) -> bool:
    machine = constraint.machine
    more = any(machine.prefix_ok(data + bytes([byte])) for byte in range(256))
    return machine.accepts(data) and not more
