"""One decode and one scoring, the slow way: all that the reference interpreter knows of models.

The whole stream is tokenised again for every op, the whole vocabulary is tried for every mask, and
the model is asked for the logits of the whole prefix for every token. Nothing is remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sglc.compiler.plan.seeds import uniform
from sglc.compiler.plan.segments import Segment, Text
from sglc.compiler.plan.select import (
    choose,
    choose_all,
    context_len,
    first_counted,
    log_sum,
    shares,
    shares_of,
)
from sglc.compiler.plan.tokenizations import Pieces, spelled
from sglc.compiler.reference_stream import ReferenceModel
from sglc.constraints.machine import Machine
from sglc.constraints.prefixed import Prefixed, any_bytes

_GREEDY_BELOW = 1e-6


class DecodeError(ValueError):
    """A decode cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """What one ``gen`` asks for. ``sampling``: the options of ``gen``, by their names."""

    max_tokens: int
    key: int = 0
    stop: tuple[str, ...] = ()
    machine: Machine | None = None
    end: str = "eos"
    closing: bool = True
    healing: bool = False
    sampling: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.healing, bool):
            raise DecodeError("`healing` must be true or false")

    def option(self, name: str, default: float) -> float:
        return float(self.sampling.get(name, default))


def decode(model: ReferenceModel, segments: Sequence[Segment], spec: Decode) -> tuple[str, float]:
    """Return the text of a decode and the log probability of the tokens it sampled.

    Healing, it writes the bytes of the tokens withheld first; they are no part of the text.

    Raises:
        DecodeError: the stream is empty, the constraint is, its members are all too long, or no
            token is allowed.
    """
    prompt, heal = model.encode(segments), b""
    if spec.healing:
        prompt, heal = model.encode_healed(segments)
    if not prompt:
        raise DecodeError("the stream is empty: there is nothing to go on from")
    if heal:
        is_free = spec.machine is None
        held = Prefixed(heal, any_bytes() if spec.machine is None else spec.machine)
        rule, closing = ("eos", False) if is_free else (spec.end, spec.closing)
        spec = replace(spec, machine=held, end=rule, closing=closing)
    machine = spec.machine
    state = machine.start if machine else 0
    if machine and state == 0:
        raise DecodeError("the constraint admits no text at all")
    guard = _ClosingGuard(model, machine) if machine and spec.closing else None
    if guard and not guard.fits(state, spec.max_tokens):
        raise DecodeError(guard.refusal(state, spec.max_tokens))
    data, produced, logprob = b"", list[int](), 0.0
    while len(produced) < spec.max_tokens and not (machine and machine.is_complete(state)):
        raw, left = model.logits([*prompt, *produced]), spec.max_tokens - len(produced)
        row = _adjusted(model, raw, prompt, produced, spec)
        for token in range(model.vocab_size):
            is_out = machine and not _is_allowed(model, token, machine, state, spec.end)
            if is_out or (guard and not guard.allows(token, state, left)):
                row[token] = -math.inf
        if guard and guard.fits(state, 0) and max(row) == -math.inf:
            break
        token = _sample(row, spec, uniform(spec.key, len(produced)))
        logprob += _log_softmax(raw)[token]
        produced.append(token)
        piece = model.token_bytes[token]
        if token in model.eos_ids or (machine and not piece):
            break
        kept = len(piece)
        if machine:
            kept, state = _walk(machine, state, piece)
        data += piece[:kept]
        end = _stop_at(data[len(heal) :], spec.stop)
        if end is not None:
            data = data[: len(heal) + end]
            break
        if machine and state == 0:
            break
    return data[len(heal) :].decode("utf-8", "replace"), logprob


def _is_allowed(model: ReferenceModel, token: int, machine: Machine, state: int, end: str) -> bool:
    piece = model.token_bytes[token]
    if token in model.eos_ids or not piece:
        may_end = machine.is_accepting(state)
        return may_end and (end == "leave" or (end == "eos" and token in model.eos_ids))
    passed = machine.is_accepting(state)
    for byte in piece:
        state = machine.step(state, byte)
        if state == 0:
            return end == "leave" and passed
        passed = passed or machine.is_accepting(state)
    return True


class _ClosingGuard:
    """What can still be finished: the completion of a state, written with the fewest tokens."""

    def __init__(self, model: ReferenceModel, machine: Machine) -> None:
        ends = model.eos_ids
        self._pieces = {p for i, p in enumerate(model.token_bytes) if p and i not in ends}
        self._model = model
        self._machine = machine
        self._needs: dict[int, float] = {}

    def allows(self, token: int, state: int, left: int) -> bool:
        """Whether a token ends the decode, or what is left of ``left`` after it is enough."""
        piece = self._model.token_bytes[token]
        after = self._machine.run(state, piece)
        return not piece or not after or self.fits(after, left - 1)

    def fits(self, state: int, budget: int) -> bool:
        """Whether ``budget`` tokens are enough from ``state`` on."""
        if state not in self._needs:
            text = self._machine.completion(state)
            needs = [0.0]
            for end in range(1, len(text) + 1):
                begins = [n for n in range(end) if text[n:end] in self._pieces]
                needs.append(min((needs[n] + 1 for n in begins), default=math.inf))
            self._needs[state] = needs[-1]
        return self._needs[state] <= budget

    def refusal(self, state: int, budget: int) -> str:
        """Say why they are not."""
        need = self._needs[state]
        if need == math.inf:
            return "the vocabulary has no tokens for the shortest text that the constraint allows"
        return (
            f"the shortest text that the constraint allows takes {need:.0f} tokens, "
            f"and the decode may take {budget}"
        )


def _walk(machine: Machine, state: int, piece: bytes) -> tuple[int, int]:
    """Return how many bytes stay in the text and the state after them; 0 if the walk died."""
    kept = 0
    for at, byte in enumerate(piece, 1):
        state = machine.step(state, byte)
        if state == 0:
            return kept, 0
        if machine.is_accepting(state):
            kept = at
    return len(piece), state


def _stop_at(data: bytes, stops: Sequence[str]) -> int | None:
    """Return where the text ends: before the stop string complete first, the longest of equals."""
    for end in range(1, len(data) + 1):
        found = [len(s.encode()) for s in stops if data[:end].endswith(s.encode())]
        if found:
            return end - max(found)
    return None


def _adjusted(
    model: ReferenceModel,
    raw: Sequence[float],
    prompt: Sequence[int],
    produced: Sequence[int],
    spec: Decode,
) -> list[float]:
    row = list(raw)
    factor = spec.option("repetition_penalty", 1.0)
    for token in {*prompt, *produced} if factor != 1.0 else ():
        row[token] = row[token] / factor if row[token] > 0 else row[token] * factor
    for token in set(produced):
        row[token] -= spec.option("frequency_penalty", 0.0) * produced.count(token)
        row[token] -= spec.option("presence_penalty", 0.0)
    if len(produced) < spec.option("min_tokens", 0):
        for token in model.eos_ids:
            row[token] = -math.inf
    return row


def _sample(row: Sequence[float], spec: Decode, draw: float) -> int:
    best = max(range(len(row)), key=row.__getitem__)
    if row[best] == -math.inf:
        raise DecodeError("the constraint allows no token of the vocabulary")
    temperature = spec.option("temperature", 0.0)
    if temperature < _GREEDY_BELOW:
        return best
    weights = {i: math.exp((x - row[best]) / temperature) for i, x in enumerate(row)}
    probs = _normalised({i: w for i, w in weights.items() if w > 0.0})
    order = sorted(probs, key=lambda i: (-probs[i], i))
    top_k, top_p = int(spec.option("top_k", -1)), spec.option("top_p", 1.0)
    if top_k != -1:
        order = order[:top_k]
        probs = _normalised({i: probs[i] for i in order})
    if top_p < 1.0:
        total, count = 0.0, 0
        while count < len(order) and total < top_p:
            total += probs[order[count]]
            count += 1
        probs = _normalised({i: probs[i] for i in order[:count]})
    least = spec.option("min_p", 0.0) * max(probs.values())
    if least > 0.0:
        probs = _normalised({i: p for i, p in probs.items() if p >= least})
    total = 0.0
    for token in sorted(probs):
        total += probs[token]
        if total > draw:
            return token
    return max(probs)  # rounding left the sum at or below the draw


def _normalised(weights: Mapping[int, float]) -> dict[int, float]:
    total = sum(weights.values())
    return {i: w / total for i, w in weights.items()}


def _log_softmax(row: Sequence[float]) -> list[float]:
    top = max(row)
    total = top + math.log(math.fsum(math.exp(x - top) for x in row))
    return [x - total for x in row]


def select(
    model: ReferenceModel, segments: Sequence[Segment], choices: Sequence[str], method: str
) -> tuple[int, list[float]]:
    """Return the index of the winner and the share of every choice; see ``plan/select.py``."""
    full = [model.encode([*segments, Text(choice)]) for choice in choices]
    context = context_len([model.encode(segments), *full])
    scores = [
        _score(model, ids, context, choice) for ids, choice in zip(full, choices, strict=True)
    ]
    alone = []
    if method == "unconditional":
        alone = [_score(model, model.encode([Text(choice)]), 1, choice) for choice in choices]
    return choose(method, scores, alone), shares(scores)


def _score(model: ReferenceModel, ids: Sequence[int], context: int, choice: str) -> list[float]:
    lens = [len(model.token_bytes[token]) for token in ids]
    first = max(context, first_counted(lens, len(choice.encode())))
    return [_log_softmax(model.logits(ids[:i]))[ids[i]] for i in range(first, len(ids))]


def select_all(
    model: ReferenceModel, segments: Sequence[Segment], choices: Sequence[str]
) -> tuple[int, list[float]]:
    """``select`` over all tokenizations of the choices."""
    full = [model.encode([*segments, Text(choice)]) for choice in choices]
    stream = model.encode(segments)
    context = context_len([stream, *full])
    pieces = Pieces(model.token_bytes, model.eos_ids)
    texts = spelled(stream, full, context, choices, model.token_bytes, pieces)
    totals = [_logprob(model, stream[:context], text) for text in texts]
    return choose_all(totals), shares_of(totals)


def _logprob(model: ReferenceModel, ids: Sequence[int], data: bytes) -> float:
    """The log probability that tokens which spell ``data`` follow ``ids``."""
    if not data:
        return 0.0
    row = _log_softmax(model.logits(ids))
    ways = [
        row[token] + _logprob(model, [*ids, token], data[len(piece) :])
        for token, piece in enumerate(model.token_bytes)
        if piece and token not in model.eos_ids and data.startswith(piece)
    ]
    return log_sum(ways)
