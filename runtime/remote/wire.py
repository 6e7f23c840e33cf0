"""What a dialect does: requests out of prompts and options, texts out of answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from sglc.constraints.types import Type
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import TokenReport
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A text that a server is to write; all of it is within the capabilities of the dialect.

    Attributes:
        prompt: ids of ``RemoteTokenizer``.
        stop: the texts that the server is to look for; there may be more that we look for.
        seed: None for whatever the server draws.
        constraint: what the server is to hold the text to; None for nothing.
        with_tokens: the text and log probability of each token are wanted.
        report: what is wanted of the tokens besides.
        stop_ids: tokens of the server's model that end a text.
        samples: how many texts.
        stream: pieces are wanted as they are written.
    """

    prompt: tuple[int, ...]
    max_tokens: int
    sampling: SamplingParams
    stop: tuple[str, ...] = ()
    seed: int | None = None
    constraint: Type | None = None
    ignore_eos: bool = False
    with_tokens: bool = False
    report: TokenReport | None = None
    stop_ids: frozenset[int] = frozenset()
    samples: int = 1
    stream: bool = True

    @property
    def estimate(self) -> int:
        """About how many tokens the request is: four bytes each, and all that may be written."""
        return len(self.prompt) // 4 + self.max_tokens * self.samples


class Token(NamedTuple):
    """A token of the server's model, as text; broken characters are U+FFFD."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Piece:
    """More of sample number ``sample``; ``tokens`` are those that are known by now, if wanted."""

    text: str
    tokens: tuple[Token, ...] = ()
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a sample; None where the server does not say.

    ``matched`` is the stop text, or the id, that the server has found, and left out.
    ``num_chars``: what was sent behind so many characters is no part of the text. ``meta`` is what
    else it says.
    """

    finish: Literal["eos", "stop", "length"]
    num_tokens: int | None
    matched: str | int | None = None
    sample: int = 0
    num_chars: int | None = None
    meta: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a request has cost, in tokens; None: the server does not say.

    ``has_thought``: the model has thought before it wrote, which ``max_tokens`` bounds too.
    """

    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int = 0
    has_thought: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """Log probabilities of the tokens that hold text of each choice, in order.

    ``alone``: of the same without what stands before it, when asked for; a first token of all,
    which has none, counts as 0. ``tokens``: their ids and texts, where the server tells them.
    """

    rows: tuple[tuple[float, ...], ...]
    bill: Bill
    alone: tuple[tuple[float, ...], ...] | None = None
    tokens: tuple[tuple[tuple[int, str], ...], ...] | None = None


class Wire(Protocol):
    """A dialect."""

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""

    def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield pieces of each sample, its answer behind them, and bills; the last one counts.

        Raises:
            RemoteError: the request failed.
            ValueError: the prompt cannot be written in this dialect.
        """

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Score texts behind a prompt.

        Raises:
            RemoteError: the request failed, or its answer lacks what is needed.
            ValueError: the prompt cannot be written in this dialect.
        """
