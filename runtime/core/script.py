"""What a stream runs: a script of ops, such as extend or decode, over one growing sequence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from sglc.constraints.prefixed import Prefixed, any_bytes
from sglc.runtime.core.sampling import SamplingParams

if TYPE_CHECKING:
    from sglc.constraints.machine import Machine
    from sglc.constraints.types import Type

EndRule = Literal["closed", "leave", "eos"]

NEVER = 2**31 - 1  # a number of tokens above any budget


def too_short(need: int, budget: int) -> str:
    """Say why a budget cuts off every member; ``need`` tokens is the least, maybe ``NEVER``."""
    if need >= NEVER:
        return "the vocabulary has no tokens for the shortest text that the constraint allows"
    return (
        f"the shortest text that the constraint allows takes {need} tokens, "
        f"and the decode may take {budget}"
    )


@dataclass(frozen=True, slots=True)
class Constraint:
    """A machine over the bytes of a decode, and how the decode gets out of it.

    - ``closed``: only tokens that keep the walk alive.
    - ``eos``: those, and end-of-sequence where the state is accepting.
    - ``leave``: those, and any token whose bytes pass a point (after 0 or more of them) where
      the state is accepting before the walk dies. Sampling one that dies ends the decode: the
      text is cut after the token's last byte at which the state was accepting. Special tokens
      are allowed where the state is accepting, and end the decode.

    In every case the decode ends at once when the state is accepting and has no way on, and when a
    token leads into a state of ``done``: then all that is wanted of a member is there. (Not so in a
    decode that has text to ``heal``.)

    With ``closing``, no decode is cut off in the middle by its budget, the smaller one of
    ``max_tokens`` and what the context holds: of the tokens above only those are allowed that end
    the decode or after which the budget is enough for ``machine.completion``, written with as few
    tokens as the vocabulary allows (end-of-sequence ids left out). A decode whose budget is
    too small for that from the start fails before anything is generated. Where a member is
    written and no token is allowed, the decode ends.

    ``wanted`` is the type that the machine was made of, for backends that take no machines.
    """

    machine: Machine
    end: EndRule
    closing: bool = True
    done: frozenset[int] = frozenset()
    wanted: Type | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """Append ``ids`` to the stream."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What is wanted of the tokens of a model that only a server knows.

    ``start`` is the position in the prompt from which on log probabilities are wanted, -1 for those
    of the text alone; ``num_top`` how many of the most probable tokens at each place; ``with_text``
    whether the tokens are named.
    """

    start: int = -1
    num_top: int = 0
    with_text: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A decode that comes behind another one in its message; one of ``stop`` may end it."""

    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decode:
    """Sample up to ``max_tokens`` tokens.

    Ends with an end-of-sequence id (unless ``ignore_eos``, which counts for nothing inside a
    constraint), a stop id, a stop string, a complete constraint or ``max_tokens``. Neither the
    end-of-sequence token nor a stop id becomes part of the stream or of the text. Stop strings
    are matched on the bytes of the decode, whatever the token borders: the match that is
    complete first wins, the longest among those that are complete at the same byte.

    ``jump``: where the constraint forces text, a backend may append it as the tokenizer cuts it
    instead of sampling; those tokens count as tokens of the decode (scheduler/jump.py).

    ``heal`` are bytes that the decode has to write first: text that was given, but withheld from
    the stream, as its last token might have been a longer one. They are no part of the result's
    text and in no stop string, but the tokens that write them are tokens of the decode and of the
    stream. Without a constraint any text may follow them, and an end-of-sequence id ends the
    decode.

    ``expect`` is how many tokens the decode will surely or probably write; a backend may keep room
    for them, so that fewer streams have to give theirs up. It changes nothing else.

    ``ahead`` is how many tokens a backend that pays for its prompts may have written in one go:
    what is behind the end of the decode is kept for those that follow. It changes nothing else.
    ``then`` is what follows in the same message, as far as it is known: texts and decodes in turn.

    ``report`` asks a backend whose ids are no tokens for log probabilities (``DecodeResult.meta``);
    others are not given one.

    ``key`` is the sampling site (``plan.seeds.seed_key``). ``num_logprobs``: None for no
    logprobs, 0 for those of the sampled tokens, k > 0 also for the k most probable tokens.
    ``label`` names what is generated; a scripted backend answers by it.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    max_tokens: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    key: int = 0
    stop: tuple[str, ...] = ()
    stop_ids: frozenset[int] = frozenset()
    constraint: Constraint | None = None
    num_logprobs: int | None = None
    ignore_eos: bool = False
    jump: bool = True
    heal: bytes = b""
    label: str = ""
    expect: int = 0
    ahead: int = 0
    report: TokenReport | None = None
    then: tuple[str | Later, ...] = ()

    @property
    def held_to(self) -> Constraint | None:
        """The constraint of all that the decode writes, ``heal`` included."""
        if not self.heal:
            return self.constraint
        if self.constraint is None:
            return Constraint(Prefixed(self.heal, any_bytes()), "eos", closing=False)
        healed = Prefixed(self.heal, self.constraint.machine)
        return replace(self.constraint, machine=healed, done=frozenset())

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if self.sampling.min_new_tokens > self.max_tokens:
            raise ValueError(
                f"min_new_tokens must be at most max_tokens ({self.max_tokens}), "
                f"not {self.sampling.min_new_tokens}"
            )
        if not 0 <= self.expect <= self.max_tokens:
            raise ValueError(
                f"expect must be in [0, max_tokens] ([0, {self.max_tokens}]), not {self.expect}"
            )
        if self.ahead < 0:
            raise ValueError(f"ahead must be at least 0, not {self.ahead}")
        if not 0 <= self.key < 2**64:
            raise ValueError(f"key must be a 64-bit unsigned number, not {self.key}")
        if not all(self.stop):
            raise ValueError("stop must not hold an empty string")
        if self.num_logprobs is not None and self.num_logprobs < 0:
            raise ValueError(f"num_logprobs must be at least 0, not {self.num_logprobs}")


@dataclass(frozen=True, slots=True)
class Score:
    """Log probability of every token of every choice, each as if it followed the stream.

    The stream itself stays as it is. Choices share a trie: no token of it is computed twice.
    Where a choice is too long for one step it is computed like a prompt, chunk by chunk, so that
    no step holds the logits of more of its tokens than a chunk has. ``num_top``: k > 0 for the k
    most probable tokens at every place too, None or 0 for none.

    The log probabilities of a prompt from position k on are those of one choice,
    ``Extend(ids[:k]), Score((ids[k:],)), Extend(ids[k:])``: the extend finds what the score has
    computed, which is all but the last token, as long as nobody needs the room.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    choices: tuple[tuple[int, ...], ...]
    label: str = ""
    num_top: int | None = None

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError("choices must not be empty")
        if self.num_top is not None and self.num_top < 0:
            raise ValueError(f"num_top must be at least 0, not {self.num_top}")


@dataclass(frozen=True, slots=True)
class TextScore(Score):
    """A score of whole texts, for a backend whose ids are bytes and no tokens of its model.

    There is a log probability for each of the model's tokens that hold text of a choice.
    ``alone``: those of the same tokens without what stands before them are wanted too.
    """

    alone: bool = False


@dataclass(frozen=True, slots=True)
class Embed:
    """The embedding of the stream: the hidden state of its last token, behind the last norm.

    Of length 1 (L2). The stream itself stays as it is.
    """

    label: str = ""


ScriptOp = Extend | Decode | Score | Embed


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream to run. Higher ``priority`` is admitted and prefilled first; ``deltas=False`` drops
    Delta events.

    With ``hold`` the stream does not end with its script: it reports Held and waits to be resumed.
    A script of extends alone computes their K/V and nothing else. With ``insert=False`` the K/V
    behind the first ``shared`` tokens that no other stream has used is freed when the stream ends,
    instead of cached. A stream that is resumed so more than once counts from the least of them.

    Nothing is shared between streams of different ``namespace``: neither what is cached nor what is
    computed in the same step. Slots are taken from one pool.

    Raises:
        ValueError: an op other than an extend has no token before it; ``shared`` is below 0.
    """

    script: tuple[ScriptOp, ...]
    priority: int = 0
    deltas: bool = True
    hold: bool = False
    insert: bool = True
    shared: int = 0
    namespace: str = ""

    def __post_init__(self) -> None:
        if self.shared < 0:
            raise ValueError(f"shared must be at least 0, not {self.shared}")
        for op in self.script:
            if isinstance(op, Extend):
                if op.ids:
                    return
            else:
                name = type(op).__name__
                raise ValueError(
                    f"script must extend by at least one token before the first {name}"
                )

    @property
    def sequence(self) -> tuple[int, ...]:
        """What the leading extend appends: of a request to resume, the whole sequence.

        Raises:
            ValueError: the script does not begin with an extend by at least one token.
        """
        first = self.script[0] if self.script else None
        if not isinstance(first, Extend) or not first.ids:
            raise ValueError("script must begin with the whole sequence to resume a stream")
        return first.ids


def check_ids(request: StreamRequest, vocab_size: int) -> None:
    """Refuse a request that names tokens which are not there.

    Raises:
        ValueError: a token id is outside ``[0, vocab_size)``.
    """
    for op in request.script:
        if isinstance(op, Extend):
            ids = [op.ids]
        elif isinstance(op, Decode):
            biased = tuple(token for token, _ in op.sampling.logit_bias)
            ids = [tuple(op.stop_ids), biased]
        else:
            ids = list(op.choices) if isinstance(op, Score) else []
        for group in ids:
            if group and not 0 <= min(group) <= max(group) < vocab_size:
                raise ValueError(
                    f"token ids must be in [0, {vocab_size}), not {min(group)} .. {max(group)}"
                )
