"""What a recorder writes down: runs, calls and their phases, chains of calls, steps.

All times are whole nanoseconds of one clock, so sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sglc.compiler.plan.plan import Loc
from sglc.runtime.core.stats import NOTHING, StreamStats

if TYPE_CHECKING:
    from sglc.runtime.executor.stream import Stream

Phase = Literal["build", "queue", "prefill", "decode", "tool"]
PHASES: Final[tuple[Phase, ...]] = ("build", "queue", "prefill", "decode", "tool")


class Segment(NamedTuple):
    """A piece ``[begin_ns, end_ns)`` of a call, spent in one phase."""

    phase: Phase
    begin_ns: int
    end_ns: int


class Chain(NamedTuple):
    """Calls each of which waited for the one before; ``length_ns`` is the sum of their times."""

    call: CallRecord
    before: Chain | None
    length_ns: int

    def calls(self) -> list[CallRecord]:
        """Return the calls from the first on."""
        calls: list[CallRecord] = []
        link: Chain | None = self
        while link is not None:
            calls.append(link.call)
            link = link.before
        return calls[::-1]


def longer(a: Chain | None, b: Chain | None) -> Chain | None:
    """Return the longer chain, the first one if they are as long."""
    if b is None or (a is not None and a.length_ns >= b.length_ns):
        return a
    return b


@dataclass(slots=True)
class Attempt:
    """One try of a tool, stamped by the thread that runs it."""

    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(slots=True, eq=False)
class CallRecord:
    """A ``gen``, ``select``, ``tool`` or ``warm`` node; ``end_ns`` is -1 while it runs.

    Its time ``[start_ns, end_ns)`` is cut into phases without a gap: ``build`` until its constraint
    is there, ``queue`` while it waits for the backend, for the stream of an equal call, for a
    thread, or for its result to be taken, ``prefill`` the steps that compute tokens which were
    given, forced or scored (the one that then samples the first token included), ``decode`` those
    that sample from the last token alone, with what passes between them, ``tool`` while the
    function runs. ``spent_ns`` sums each phase; ``segments`` has the pieces, if the recorder keeps
    a timeline. ``is_submitted`` says whether it came as far as the backend or the pool,
    ``has_joined`` that it takes what other calls cost; ``before`` is the longest chain among the
    calls whose results it waited for, ``chain`` that with itself. ``is_wasted``: it was done for an
    arm that was not taken. ``prompt`` is the version that a model call goes on from and ``result``
    the one it makes, if the recorder keeps a timeline.
    """

    run: RunRecord
    op: str
    name: str
    path: str
    loc: Loc | None
    start_ns: int
    before: Chain | None
    keeps_segments: bool
    end_ns: int = -1
    is_submitted: bool = False
    has_joined: bool = False
    is_wasted: bool = False
    chain: Chain | None = None
    phase: Phase = "queue"
    stats: StreamStats = NOTHING
    attempt: Attempt | None = None
    prompt: Stream | None = None
    result: Stream | None = None
    spent_ns: dict[Phase, int] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    mark_ns: int = 0  # up to here its time is accounted for
    is_reported: bool = False  # ... and that is when its result came
    last_step: int = -1  # the last one that brought it on

    def __post_init__(self) -> None:
        self.mark_ns = self.start_ns

    @property
    def duration_ns(self) -> int:
        """Time from its start to its end."""
        return self.end_ns - self.start_ns

    def spend(self, phase: Phase, until_ns: int) -> None:
        """Give the time up to ``until_ns`` to a phase."""
        begin_ns = self.mark_ns
        if until_ns <= begin_ns:
            return
        self.mark_ns = until_ns
        self.spent_ns[phase] = self.spent_ns.get(phase, 0) + until_ns - begin_ns
        if not self.keeps_segments:
            return
        if self.segments and self.segments[-1].phase == phase:
            begin_ns = self.segments.pop().begin_ns
        self.segments.append(Segment(phase, begin_ns, until_ns))


@dataclass(slots=True, eq=False)
class RunRecord:
    """A run; ``longest`` is its critical path: the longest of the chains of its calls.

    Calls of a chain follow each other, so it is no longer than the run; it has at least the time
    of the longest call. What the host computes between calls is no part of it, nor are calls for
    arms that were not taken. ``speculated`` arms were begun before their decision, ``committed`` of
    those were then taken. With a timeline, ``origins`` says of each stream version where in the
    source it was made, and ``final`` is the last version of the prompt that was run.
    """

    number: int
    instance: int
    start_ns: int
    end_ns: int = -1
    calls: list[CallRecord] = field(default_factory=list)
    longest: Chain | None = None
    origins: dict[Stream, Loc | None] = field(default_factory=dict)
    final: Stream | None = None
    speculated: int = 0
    committed: int = 0

    @property
    def duration_ns(self) -> int:
        """Wall time."""
        return self.end_ns - self.start_ns


class StepRecord(NamedTuple):
    """A step of the backend: how many streams it brought on, and what it left behind."""

    begin_ns: int
    end_ns: int
    num_prefilling: int
    num_decoding: int
    num_running: int
    num_waiting: int
    held_slots: int
    cached_slots: int
    free_slots: int
