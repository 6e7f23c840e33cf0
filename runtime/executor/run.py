"""One instance of a program: its state while it runs, and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from sglc.compiler.plan.plan import Loc
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.executor.answers import Answers
from sglc.runtime.executor.errors import RunError, Scope
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.limits import Fuel, Limits, out_of_time
from sglc.runtime.executor.regions import RootOwner
from sglc.runtime.executor.stream import Encoder, Stream
from sglc.runtime.executor.tools import BoundTool

if TYPE_CHECKING:
    from sglc.runtime.executor.code import BlockCode, PlanCode
    from sglc.runtime.executor.frame import Frame
    from sglc.runtime.executor.modelcall import ModelCall
    from sglc.runtime.executor.part import Part
    from sglc.runtime.executor.records import CallRecord
    from sglc.runtime.executor.toolcalls import RemoteCall


@dataclass(slots=True)
class NodeStats:
    """What the model calls of one place in the source cost, summed over a run.

    Calls that failed or were cancelled count too. ``single_flight_hits`` are those that cost
    nothing, since the same was just being computed for another one. The fields behind it are those
    of ``StreamStats``; ``completion_tokens`` are those of the texts that were generated,
    ``..._wo_jump_forward`` the ones of them that the model chose; ``encoded_chars`` went through
    the tokenizer; ``wasted_tokens`` were computed for arms that were not taken.
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
    wasted_tokens: int = 0

    @property
    def computed_tokens(self) -> int:
        """Tokens that went through the model."""
        return self.prefilled_tokens + self.decoded_tokens + self.scored_tokens

    def merge(self, other: NodeStats) -> None:
        """Count what ``other`` has counted."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

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
    the source to the cost of their model calls. ``arms`` says how often each arm of an ``if`` or
    ``match`` was taken, by its place and its name; ``speculated`` how many were begun before that
    was decided, and ``committed`` how many of those were then taken.
    """

    value: Any
    captures: Mapping[str, Any]
    text: str
    messages: list[dict[str, Any]]
    error: RunError | None = None
    stats: Mapping[Loc | None, NodeStats] = field(default_factory=dict)
    arms: Mapping[tuple[Loc, str], int] = field(default_factory=dict)
    speculated: int = 0
    committed: int = 0

    @property
    def partial(self) -> bool:
        return self.error is not None

    @property
    def wasted_tokens(self) -> int:
        """Tokens that were computed for arms that were not taken."""
        return sum(stats.wasted_tokens for stats in self.stats.values())


class Run:
    """A plan with arguments and a seed. Made by ``Executor.submit``; ``log`` tells what happens.

    ``fuel`` is what it has used up of its ``limits``, ``wasted`` what arms have that were not
    taken. ``parts`` are those of it that may be stopped, as long as something of them runs:
    branches that a decision may come before (``Part``), arms that were begun before theirs
    (``Trial``). Of a run whose doings may yet come to nothing (``Trial``), ``put_off`` are the
    nodes that wait until they count, and ``records`` its calls, if it is recorded; both None where
    everything counts. ``on_result`` is told of every model call that has ended well, and of its
    value, ``on_call`` of the calls of tools that are statements of the program itself.
    """

    __slots__ = (
        "answers",
        "arms",
        "captures",
        "code",
        "committed",
        "deadline_s",
        "deltas",
        "encoder",
        "fuel",
        "held",
        "instance",
        "limits",
        "log",
        "namespace",
        "on_call",
        "on_result",
        "outcome",
        "owner",
        "parts",
        "put_off",
        "records",
        "scope",
        "seed",
        "speculated",
        "stats",
        "streams",
        "tools",
        "versions",
        "wasted",
    )  # fmt: skip

    def __init__(
        self, code: PlanCode, encoder: Encoder, tools: Mapping[str, BoundTool], seed: int,
        instance: int, log: EventLog, deadline_s: float | None, *, limits: Limits, deltas: bool,
    ) -> None:  # fmt: skip
        self.code = code
        self.encoder = encoder
        self.tools = tools
        self.seed = seed
        self.instance = instance
        self.log = log
        self.deadline_s = deadline_s
        self.limits = limits
        self.deltas = deltas
        self.namespace = ""  # of its streams; see StreamRequest
        self.on_result: Callable[[ModelCall, Any], None] | None = None
        self.on_call: Callable[[Run, RemoteCall], None] | None = None
        self.answers = Answers()  # of tools; those of the root count
        self.scope = Scope()
        self.owner = RootOwner(self.scope)
        self.streams: set[int] = set()
        self.held: dict[int, Stream] = {}
        self.stats: dict[Loc | None, NodeStats] = {}
        self.captures: dict[str, tuple[tuple[int, ...], Any]] = {}
        self.arms: dict[BlockCode, int] = {}
        self.fuel = Fuel()
        self.wasted = Fuel()
        self.outcome: Result | None = None
        self.versions: list[tuple[tuple[int, ...], Stream]] = []
        self.parts: set[Part] = set()
        self.put_off: list[tuple[Frame, int]] | None = None
        self.records: list[CallRecord] | None = None
        self.speculated = 0
        self.committed = 0

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self.outcome is not None

    @property
    def awaits_host(self) -> bool:
        """Whether nothing of it runs, and more may come from whoever has opened it."""
        return False

    @property
    def is_timeout(self) -> bool:
        """Whether it was ended from outside: its time was over, or somebody cancelled it."""
        error = None if self.outcome is None else self.outcome.error
        if error is None:
            return False
        limit_s = self.limits.wall_time_s
        return error.code == "cancelled" or (
            error.code == "limit" and limit_s is not None and error.message == out_of_time(limit_s)
        )

    @property
    def root(self) -> Run:
        """The run that was submitted."""
        return self

    @property
    def acting(self) -> Run:
        """The run that what is done here counts for."""
        return self

    def family(self) -> Iterator[Run]:
        """Yield this run and all parts of it."""
        yield self
        for part in self.parts:
            yield from part.family()

    def undecided(self) -> Iterator[Part]:
        """Yield the parts of it that do not count so far, but for those that are in others."""
        for part in self.parts:
            if part.is_committed:
                yield from part.undecided()
            else:
                yield part

    def keep(self, stream: int, version: Stream) -> None:
        """A stream of the backend is held for a version of the prompt."""
        self.held[stream] = version

    def kept(self) -> list[Stream]:
        """Return the versions that something is held for and for nobody else."""
        return list(self.held.values())

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
