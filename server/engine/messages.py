"""What the two processes say to each other: frozen records, pickled between parts of one program.

A *job* is one generation or one run of a program, numbered by the side of HTTP. What the engine
says about a job comes in order, its last word is exactly one of Finished or Failed; of a job that
was cancelled nothing may come any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.compiler.plan.plan import Plan
from sglc.constraints.types import Type
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.run import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One prompt and what to write behind it, ``num_samples`` times.

    ``ids`` are the prompt, at least one token. ``max_tokens`` 0 computes the prompt's K/V and
    writes nothing. Sample ``i`` draws from ``seed`` and ``i``. ``num_logprobs`` as in ``Decode``.
    ``prompt_logprobs_from`` is the first position whose log probability is asked for: p says that
    of the tokens ids[p], ids[p + 1], …, each given those before it, are reported (p >= 1; a first
    token has none), with ``num_prompt_top`` alternatives each. ``deltas``: whether text is reported
    as it is written.
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


@dataclass(frozen=True, slots=True)
class Generate:
    """Begin a generation."""

    job: int
    generation: Generation


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Keep a plan under its digest, for runs to come."""

    digest: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Begin one instance of a plan that was loaded. ``tools`` are answered by the other side."""

    job: int
    digest: str
    arguments: Mapping[str, Any]
    seed: int = 0
    instance: int = 0
    deltas: bool = True


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a job; unknown ones are ignored."""

    job: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about the engine itself: ``stats`` or ``flush``. Answered by one Answer."""

    number: int
    question: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the process; what runs is cancelled."""


Command = Generate | LoadPlan | RunPlan | Cancel | Ask | Shutdown


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
    """More text of a sample."""

    job: int
    sample: int
    text: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample is complete. ``result`` is None where nothing was to be written."""

    job: int
    sample: int
    result: DecodeResult | None
    stats: StreamStats


@dataclass(frozen=True, slots=True)
class Happened:
    """Events of a run."""

    job: int
    events: Sequence[RunEvent]


@dataclass(frozen=True, slots=True)
class Finished:
    """A job is complete; ``result`` is that of a run of a program."""

    job: int
    result: Result | None = None


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


Reply = Ready | Broken | Written | Sampled | Happened | Finished | Failed | Answer
JobReply = Written | Sampled | Happened | Finished | Failed
