"""``select``: choices are scored behind the stream, the winner is appended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sglc.compiler.plan.segments import Text
from sglc.compiler.plan.select import (
    METHODS,
    TOKENIZATIONS,
    choose,
    choose_all,
    context_len,
    distinct_choices,
    first_counted,
    log_sum,
    shares,
    shares_of,
)
from sglc.compiler.plan.tokenizations import Pieces, spelled
from sglc.runtime.core.events import Decoded, Scored, ScoreResult
from sglc.runtime.core.script import Extend, Score, StreamRequest, TextScore
from sglc.runtime.executor.choice_rows import choice_meta
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.modelcall import Meta, ModelCall, listed
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.token_rows import TokenTexts, triples

PiecesOf = Callable[[TokenizerLike], Pieces]


def select_call(
    frame: Frame, node: NodeCode, pieces_of: PiecesOf, *, whole: bool = False
) -> ModelCall:
    """Return the call of a ``select`` node. ``pieces_of`` gives the tokens of a tokenizer.

    ``whole``: the backend scores texts, whatever their tokens are.

    Raises:
        OpError: an option has a value it cannot have.
    """
    tokenizations = node.attrs.get("tokenizations") or "canonical"
    if tokenizations not in TOKENIZATIONS:
        raise OpError("option", f"unknown tokenizations {tokenizations!r} of select")
    if tokenizations == "canonical":
        return SelectTextCall(frame, node) if whole else SelectCall(frame, node)
    if whole:
        reason = "the tokens of a model on a server are not known"
        raise OpError("option", f"all tokenizations cannot be summed: {reason}")
    if node.attrs.get("by"):
        raise OpError("option", "all tokenizations are summed, by no other method")
    return SelectAllCall(frame, node, pieces_of)


def method_of(node: NodeCode) -> str:
    """Return how a ``select`` decides.

    Raises:
        OpError: there is no such way.
    """
    method = str(node.attrs.get("by") or "token_avg")
    if method not in METHODS:
        raise OpError("option", f"unknown method {method!r} of select")
    return method


class SelectCall(ModelCall):
    """``select``: the choices are scored, in one stream as long as all share their context."""

    __slots__ = ("_choices", "_method", "_parts", "_scored", "_tokens")

    def requests(self) -> Sequence[StreamRequest]:
        values = self.frame.values
        self._choices = distinct_choices(listed(values[self.node.args[1]]))
        self._method = method_of(self.node)
        encoder = self.stream.encoder
        full = list(map(self.stream.ids_with, self._choices))
        context = context_len([self.stream.ids(), *full])
        self._scored: list[list[list[float]]] = [[[] for _ in full]]
        self._parts: list[tuple[int, list[int], list[int]]] = []
        self._tokens: list[tuple[int, ...]] = [()] * len(full)
        requests = list(self._requests(0, full, context))
        if self._method == "unconditional":
            alone = [tuple(encoder.encode((Text(c),))) for c in self._choices]
            self._scored.append([[] for _ in alone])
            requests += self._requests(1, alone, 1)
        self.missing = len(requests)
        return requests

    def _requests(
        self, kind: int, sequences: Sequence[tuple[int, ...]], context: int
    ) -> Iterator[StreamRequest]:
        """Yield a stream for all choices with the same context; ``_parts`` says who is in it."""
        token_bytes = self.stream.encoder.tokenizer.token_bytes
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, ids in enumerate(sequences):
            if len(ids) > context:
                groups.setdefault(ids[:context], []).append(index)
        for prefix, members in groups.items():
            skipped = []
            for index in members:
                lens = [len(token_bytes[token]) for token in sequences[index]]
                counted = first_counted(lens, len(self._choices[index].encode()))
                skipped.append(max(counted - context, 0))
            self._parts.append((kind, members, skipped))
            tails = tuple(sequences[index][context:] for index in members)
            if not kind:
                for index, tail, skip in zip(members, tails, skipped, strict=True):
                    self._tokens[index] = tail[skip:]
            yield StreamRequest((Extend(prefix), Score(tails, self.name)), deltas=False)

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        assert isinstance(event, Scored)
        kind, members, skipped = self._parts[number]
        for index, skip, row in zip(members, skipped, event.result.logprobs, strict=True):
            self._scored[kind][index] = list(row[skip:])
        self.missing -= 1
        return not self.missing

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        scores = self._scored[0]
        winner = choose(self._method, scores, self._scored[-1])
        text = self._choices[winner]
        return text, 0.0, (text, dict(zip(self._choices, shares(scores), strict=True)))

    def meta(self) -> Meta:
        """Return the log probabilities that decided, by the names of SGLang's ``meta_info``."""
        tokenizer = self.stream.encoder.tokenizer
        return partial(_scored_meta, self._method, self._scored, self._tokens, tokenizer)


class SelectTextCall(ModelCall):
    """``select`` on a server: it scores whole texts, by tokens of its own."""

    __slots__ = ("_choices", "_method", "_result")

    def requests(self) -> Sequence[StreamRequest]:
        self._choices = distinct_choices(listed(self.frame.values[self.node.args[1]]))
        self._method = method_of(self.node)
        ids = self.stream.ids()
        encode = self.stream.encoder.tokenizer.encode
        choices = tuple(tuple(encode(choice, continues=True)) for choice in self._choices)
        score = TextScore(choices, self.name, alone=self._method == "unconditional")
        return (StreamRequest((Extend(ids), score), deltas=False),)

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        assert isinstance(event, Scored)
        self._result = event.result
        return True

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        rows = self._result.logprobs
        text = self._choices[choose(self._method, rows, self._result.alone or ())]
        return text, 0.0, (text, dict(zip(self._choices, shares(rows), strict=True)))

    def meta(self) -> Meta:
        """Return the log probabilities that decided, by the names of SGLang's ``meta_info``."""
        return partial(_told_meta, self._method, self._result)


class SelectAllCall(ModelCall):
    """``select`` over all tokenizations: every sequence that spells a choice, as one trie."""

    __slots__ = ("_choices", "_owners", "_pieces_of", "_totals")

    def __init__(self, frame: Frame, node: NodeCode, pieces_of: PiecesOf) -> None:
        super().__init__(frame, node)
        self._pieces_of = pieces_of

    def requests(self) -> Sequence[StreamRequest]:
        choices = distinct_choices(listed(self.frame.values[self.node.args[1]]))
        encoder, ids = self.stream.encoder, self.stream.ids()
        full = list(map(self.stream.ids_with, choices))
        context = context_len([ids, *full])
        pieces = self._pieces_of(encoder.tokenizer)
        texts = spelled(ids, full, context, choices, encoder.tokenizer.token_bytes, pieces)
        sequences = [pieces.sequences(text) for text in texts]
        self._choices = choices
        self._owners = [i for i, found in enumerate(sequences) for _ in found]
        score = Score(tuple(s for found in sequences for s in found), self.name)
        return (StreamRequest((Extend(ids[:context]), score), deltas=False),)

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        assert isinstance(event, Scored)
        rows: list[list[float]] = [[] for _ in self._choices]
        for owner, row in zip(self._owners, event.result.logprobs, strict=True):
            rows[owner].append(sum(row))
        self._totals = [log_sum(row) for row in rows]
        return True

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        text = self._choices[choose_all(self._totals)]
        return text, 0.0, (text, dict(zip(self._choices, shares_of(self._totals), strict=True)))


def _scored_meta(
    method: str,
    scored: Sequence[Sequence[Sequence[float]]],
    tokens: Sequence[Sequence[int]],
    tokenizer: TokenizerLike,
) -> dict[str, Any]:
    texts = TokenTexts(tokenizer)
    rows = [triples(row, ids, texts) for row, ids in zip(scored[0], tokens, strict=True)]
    return choice_meta(method, rows, scored[-1])


def _told_meta(method: str, result: ScoreResult) -> dict[str, Any]:
    tokens = result.tokens or [[(-1, None)] * len(row) for row in result.logprobs]
    rows = [
        [[value, *token] for value, token in zip(row, ids, strict=True)]
        for row, ids in zip(result.logprobs, tokens, strict=True)
    ]
    return choice_meta(method, rows, result.alone or ())
