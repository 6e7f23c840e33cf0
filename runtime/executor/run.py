"""One instance of a program: its state while it runs, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sglc.compiler.plan.plan import Loc
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.executor.errors import RunError, Scope
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.regions import RootOwner
from sglc.runtime.executor.stream import Encoder, Stream
from sglc.runtime.executor.tools import BoundTool

if TYPE_CHECKING:
    from sglc.runtime.executor.code import PlanCode


@dataclass(slots=True)
class NodeStats:
    """What the model calls of one place in the source cost, summed over a run.

    Calls that failed or were cancelled count too. ``single_flight_hits`` are those that cost
    nothing, since the same was just being computed for another one. The fields behind it are those
    of ``StreamStats``; ``completion_tokens`` are those of the texts that were generated,
    ``..._wo_jump_forward`` the ones of them that the model chose; ``encoded_chars`` went through
    the tokenizer.
    """

    calls: int = 0
    single_flight_hits: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    prefilled_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    scored_tokens: int = 0
    decode_steps: int = 0
    queue_steps: int = 0
    queue_entries: int = 0
    completion_tokens: int = 0
    completion_tokens_wo_jump_forward: int = 0
    encoded_chars: int = 0

    def add(self, stats: StreamStats) -> None:
        """Count one stream more."""
        self.prompt_tokens += stats.prompt_tokens
        self.cached_tokens += stats.cached_tokens
        self.prefilled_tokens += stats.prefilled_tokens
        self.decoded_tokens += stats.decoded_tokens
        self.forced_tokens += stats.forced_tokens
        self.scored_tokens += stats.scored_tokens
        self.decode_steps += stats.decode_steps
        self.queue_steps += stats.queue_steps
        self.queue_entries += stats.queue_entries


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run.

    ``value`` is what the program returned; None when there is an ``error``. ``captures``, ``text``
    and ``messages`` are then what did resolve, and ``partial`` is true. ``stats`` maps places in
    the source to the cost of their model calls.
    """

    value: Any
    captures: Mapping[str, Any]
    text: str
    messages: list[dict[str, Any]]
    error: RunError | None = None
    stats: Mapping[Loc | None, NodeStats] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        return self.error is not None


class Run:
    """A plan with arguments and a seed. Made by ``Executor.submit``; ``log`` tells what happens."""

    __slots__ = (
        "captures",
        "code",
        "deadline_s",
        "deltas",
        "encoder",
        "held",
        "instance",
        "log",
        "model_calls",
        "outcome",
        "owner",
        "scope",
        "seed",
        "stats",
        "streams",
        "tokens",
        "tools",
        "turns",
        "versions",
    )  # fmt: skip

    def __init__(
        self, code: PlanCode, encoder: Encoder, tools: Mapping[str, BoundTool], seed: int,
        instance: int, log: EventLog, deadline_s: float | None, *, deltas: bool,
    ) -> None:  # fmt: skip
        self.code = code
        self.encoder = encoder
        self.tools = tools
        self.seed = seed
        self.instance = instance
        self.log = log
        self.deadline_s = deadline_s
        self.deltas = deltas
        self.scope = Scope()
        self.owner = RootOwner(self.scope)
        self.streams: set[int] = set()
        self.held: dict[int, Stream] = {}
        self.stats: dict[Loc | None, NodeStats] = {}
        self.captures: dict[str, tuple[tuple[int, ...], Any]] = {}
        self.model_calls = 0
        self.tokens = 0
        self.turns = 0
        self.outcome: Result | None = None
        self.versions: list[tuple[tuple[int, ...], Stream]] = []

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self.outcome is not None

    def result(self) -> Result:
        """Return the outcome.

        Raises:
            RuntimeError: the run is not done.
        """
        if self.outcome is None:
            raise RuntimeError("the run is not done: drive the executor until it is")
        return self.outcome

    def capture(self, name: str, order: tuple[int, ...], value: Any) -> None:
        """Remember a named value of the entry prompt; of several, the last in program order."""
        known = self.captures.get(name)
        if known is None or known[0] <= order:
            self.captures[name] = (order, value)
