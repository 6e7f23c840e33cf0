"""What the two processes say to each other: frozen records, pickled between parts of one program.

A *job* is one generation or one run of a program, numbered by the side of HTTP. What the engine
says about a job comes in order, its last word is exactly one of Finished or Failed; of a job that
was cancelled nothing may come any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sglc.constraints.types import Type
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.executor.limits import Limits

Question = Literal["stats", "flush", "ping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One prompt and what to write behind it, ``num_samples`` times.

    ``ids`` are the prompt, at least one token. ``max_tokens`` 0 computes the prompt's K/V and
    writes nothing. Sample ``i`` draws from ``seed`` and ``i``. ``num_logprobs`` as in ``Decode``.
    ``prompt_logprobs_from`` is the first position whose log probability is asked for: p says that
    of the tokens ids[p], ids[p + 1], …, each given those before it, are reported (1 <= p <=
    len(ids); a first token has none), with ``num_prompt_top`` alternatives each. ``deltas``:
    whether what is written is reported at once. ``priority`` as in ``StreamRequest``.
    """

    ids: tuple[int, ...]
    max_tokens: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    num_samples: int = 1
    stop: tuple[str, ...] = ()
    stop_ids: frozenset[int] = frozenset()
    ignore_eos: bool = False
    constraint: Type | None = None
    num_logprobs: int | None = None
    prompt_logprobs_from: int | None = None
    num_prompt_top: int = 0
    deltas: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Generate:
    """Begin a generation. ``namespace`` is that of its streams."""

    job: int
    generation: Generation
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class EmbedPrompts:
    """Embed prompts, each of at least one token. Answered by a Vector for each, in any order."""

    job: int
    prompts: Sequence[tuple[int, ...]]
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Keep a pickled plan under its digest, for runs to come."""

    digest: str
    plan: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Begin one instance of a plan that was loaded, at its prompt ``entry``.

    What calls of tools ask is told by ToolCalled. A run with a ``trace`` is recorded: these words
    about it stand in its trace.
    """

    job: int
    digest: str
    entry: str
    arguments: Mapping[str, Any]
    seed: int = 0
    instance: int = 0
    deltas: bool = True
    limits: Limits | None = None
    trace: Mapping[str, Any] | None = None
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class UnloadPlan:
    """Forget a plan; runs of it go on."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTool:
    """The result of a ToolCalled, or the ``error`` that is there instead."""

    job: int
    call: int
    value: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a job; unknown ones are ignored."""

    job: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about the engine itself. Answered by one Answer.

    ``stats``: its counters and what it is at; ``flush``: empties the cache, if nothing runs, and
    says how many slots were ``freed``; ``ping``: nothing, but that it is alive.
    """

    number: int
    question: Question


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process; what runs is cancelled."""


Command = (
    Generate | EmbedPrompts | LoadPlan | UnloadPlan | RunPlan | AnswerTool | Cancel | Ask | Shutdown
)


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded. Sent once, first."""

    max_context: int
    vocab_size: int
    num_slots: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The engine cannot start, and ends."""

    message: str


@dataclass(frozen=True, slots=True)
class Written:
    """More of a sample; the fields as in ``Delta`` of ``runtime.core.events``."""

    job: int
    sample: int
    text: str
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    top_logprobs: tuple[tuple[tuple[int, float], ...], ...] = ()

    def __reduce__(self) -> tuple[type[Written], tuple[object, ...]]:
        """Pickle as a call: there is one of these for every token, and it is four times as fast."""
        fields = (self.job, self.sample, self.text, self.ids, self.logprobs, self.top_logprobs)
        return Written, fields

    def __add__(self, more: Written) -> Written:
        """Return this and what comes next of the same sample, as one."""
        return Written(
            self.job,
            self.sample,
            self.text + more.text,
            self.ids + more.ids,
            self.logprobs + more.logprobs,
            self.top_logprobs + more.top_logprobs,
        )


@dataclass(frozen=True, slots=True)
class PromptLogprobs:
    """Natural logarithms for the tokens of a prompt from its position ``begin`` on.

    One entry per token; ``top_logprobs`` as in ``ScoreResult``, None when not asked for.
    """

    begin: int
    logprobs: tuple[float, ...]
    top_logprobs: tuple[tuple[tuple[int, float], ...], ...] | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample is complete.

    ``result`` is None where nothing was to be written; ``prompt`` where the prompt's log
    probabilities were not asked for. All samples of a job report the same ones.
    """

    job: int
    sample: int
    result: DecodeResult | None
    stats: StreamStats
    prompt: PromptLogprobs | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """The embedding of one prompt, by its place in the request; see ``Embedded``."""

    job: int
    index: int
    vector: tuple[float, ...]
    stats: StreamStats


@dataclass(frozen=True, slots=True)
class Happened:
    """Events of a run, as JSON."""

    job: int
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """A run asks for the result of a tool, to be given by AnswerTool within ``timeout_s``.

    ``path`` is as of events, ``arguments`` are JSON.
    """

    job: int
    call: int
    name: str
    path: str
    arguments: Mapping[str, Any]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Traced:
    """The trace of a run that was to be recorded, as JSON; the result comes behind it."""

    job: int
    trace: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """A job is complete; ``result`` is that of a run of a program, as JSON."""

    job: int
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A job cannot go on. ``status`` is that of HTTP."""

    job: int
    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an Ask asked for."""

    number: int
    value: Mapping[str, Any]


JobReply = Written | Sampled | Vector | Happened | ToolCalled | Traced | Finished | Failed
Reply = Ready | Broken | Answer | JobReply
