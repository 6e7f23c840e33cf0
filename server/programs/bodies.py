"""Bodies and replies of the requests about programs and their runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sglc.server.http.body import Body, ReplyBody


class ProgramBody(Body):
    """A program, as ``source`` or as ``ir``: what `sglc ir` prints, as text or as JSON.

    Without ``keep`` it is checked and described, and not stored: there is nothing to run.
    """

    source: str | None = None
    ir: str | dict[str, Any] | None = None
    entry: str | None = None
    level: Literal["-O0", "-O1", "-O2"] | Annotated[int, Field(ge=0, le=2)] = "-O2"
    known: dict[str, Any] = Field(default_factory=dict)
    keep: bool = True

    @model_validator(mode="after")
    def _one_program(self) -> ProgramBody:
        if (self.source is None) == (self.ir is None):
            raise ValueError("give the program as either `source` or `ir`")
        return self


class RunBody(Body):
    """A run of a program with ``arguments``, or one for each of the arguments in ``batch``.

    ``prompt`` may be left out where the program has one; ``seed`` where any will do. ``timeout_s``
    is the wall time of each run, if less than what the key allows.
    """

    prompt: str | None = None
    arguments: dict[str, Any] | None = None
    batch: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    seed: int | None = Field(default=None, ge=0, lt=1 << 63)
    stream: bool = False
    trace: bool = False
    timeout_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_form(self) -> RunBody:
        if self.arguments is not None and self.batch is not None:
            raise ValueError("give either `arguments` or `batch`")
        if self.trace and self.batch is not None:
            raise ValueError("`trace` is for single runs: leave it out with `batch`")
        return self


class ToolBody(Body):
    """The answer to a call of a tool: its ``result``, which may be null, or an ``error``."""

    result: Any = None
    error: str | None = None

    @model_validator(mode="after")
    def _one_answer(self) -> ToolBody:
        if ("result" in self.model_fields_set) == (self.error is not None):
            raise ValueError("give either `result` or `error`")
        return self


class ProgramQuery(Body):
    """``form`` of the graph, and whether as ``written`` or after the passes."""

    form: Literal["text", "json"] = "text"
    stage: Literal["written", "optimized"] = "optimized"


class VizQuery(Body):
    """``run``: one that was traced, to be shown too."""

    run: str | None = None


class EventsQuery(Body):
    """``last_event_id``: for clients that cannot send the header Last-Event-ID."""

    last_event_id: int | None = Field(default=None, ge=0)


class ProgramReply(ReplyBody):
    """A program. Parameters and results are JSON Schema."""

    id: str
    object: Literal["program"]
    created: int
    entry: str | None
    prompts: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


class ProgramsReply(ReplyBody):
    """The ids of all programs."""

    object: Literal["list"]
    data: list[dict[str, Any]]


class DeletedReply(ReplyBody):
    """A program that is gone."""

    id: str
    object: Literal["program"]
    deleted: bool


class RunReply(ReplyBody):
    """A run and, as far as it is, what has come of it; ``results`` are those of a batch."""

    id: str
    object: Literal["program.run"]
    created: int
    program: str
    prompt: str
    seed: int
    status: Literal["running", "completed", "failed", "cancelled"]
    last_event_id: int
    rows: int | None = None
    value: Any = None
    captures: dict[str, Any] | None = None
    text: str | None = None
    messages: list[dict[str, Any]] | None = None
    stats: dict[str, Any] | None = None
    speculated: int | None = None
    committed: int | None = None
    error: dict[str, Any] | None = None
    results: list[dict[str, Any] | None] | None = None


class ToolReply(ReplyBody):
    """An answer that was handed on."""

    call_id: str
    accepted: bool
