"""One run of a program over a row of arguments or many: its events, its results, its tools."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sglc.runtime.executor.limits import Limits
from sglc.server.engine.client import EngineClient
from sglc.server.engine.job import Job
from sglc.server.engine.messages import Finished, Happened, ToolCalled, Traced
from sglc.server.errors import ApiError
from sglc.server.programs.events import RunEvents
from sglc.server.programs.library import Program
from sglc.server.programs.upload import NAME, Data
from sglc.server.programs.webhooks import WebhookError, Webhooks

log = logging.getLogger("sglc.server")

Status = Literal["running", "completed", "failed", "cancelled"]

_WINDOW: Final = 128  # rows of a batch in flight at once
_RETRY_S: Final = 0.5  # before a row of a batch is tried again that the engine did not take


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a program is to be run.

    ``rows`` are the arguments; a batch has any number of them and names each in its events.
    ``deltas``: whether text is told as it is written.
    """

    prompt: str
    rows: Sequence[Mapping[str, Any]]
    is_batch: bool
    seed: int
    limits: Limits
    deltas: bool
    trace: bool
    model: str


@dataclass(slots=True)
class _Pending:
    job: Job
    call: ToolCalled
    until_s: float


@dataclass(slots=True)
class ProgramRun:
    """A run. ``results`` has a place for each row, None until there is a result.

    Those of a batch have up to ``max_results_bytes``: a row that comes behind is told as too much.
    """

    tenant: str
    program: Program
    options: RunOptions
    events: RunEvents
    max_results_bytes: int
    id: str = field(default_factory=lambda: "run_" + secrets.token_hex(16))
    created: int = field(default_factory=lambda: int(time.time()))
    status: Status = "running"
    results: list[Data | None] = field(default_factory=list)
    captures: Data = field(default_factory=dict)  # of a single run, as far as it is
    trace: bytes | None = None
    failure: ApiError | None = None
    _results_bytes: int = 0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pending: dict[str, _Pending] = field(default_factory=dict)
    _webhooks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.results = [None] * len(self.options.rows)

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return self.status != "running"

    @property
    def num_bytes(self) -> int:
        """What is kept of it, about: its events, its results, its trace."""
        return self.events.num_bytes + self._results_bytes + len(self.trace or b"")

    async def drive(self, engine: EngineClient, webhooks: Webhooks) -> None:
        """Run every row, and close the events; a cancelled task cancels the run."""
        self.events.add("begin", self._about())
        try:
            if self.options.is_batch:
                await self._run_rows(engine, webhooks)
            else:
                await self._run_row(engine, webhooks, 0)
            failed = any("error" in (result or {}) for result in self.results)
            self.status = "failed" if failed and not self.options.is_batch else "completed"
        except asyncio.CancelledError:
            self.abandon()
            raise
        except Exception:
            log.exception("the run %s failed", self.id)
            self.failure = ApiError(500, "internal error; the server's log has the details")
            self._fill({"code": "internal", "message": self.failure.message})
            self.status = "failed"
        self._end()

    def abandon(self) -> None:
        """End a run that was cancelled, before it began or since."""
        if not self.is_over:
            self._fill({"code": "cancelled", "message": "the run was cancelled"})
            self.status = "cancelled"
            self._end()

    def answer(self, engine: EngineClient, call_id: str, value: Any, error: str | None) -> None:
        """Give the result of a tool to whoever waits for it.

        Raises:
            ApiError: 409: nobody does, or no longer.
        """
        pending = self._pending.pop(call_id, None)
        if pending is None or pending.until_s < time.monotonic() or pending.job.is_over:
            raise ApiError(
                409,
                f"nobody waits for `{call_id[:80]}`: it was answered, timed out, or never asked",
                code="call_not_waiting",
            )
        engine.answer_tool(pending.job, pending.call.call, value, error)

    def to_data(self) -> Data:
        """Return the state of the run and its results, as far as there are."""
        data = self._about() | {"status": self.status, "last_event_id": self.events.last}
        if self.options.is_batch:
            return data | {"results": list(self.results)}
        result = self.results[0]
        if result is None:
            return data | {"captures": dict(self.captures)}
        return data | result

    def _about(self) -> Data:
        about: Data = {
            "id": self.id,
            "object": "program.run",
            "created": self.created,
            "program": self.program.id,
            "prompt": self.options.prompt,
            "seed": self.options.seed,
        }
        return about | ({"rows": len(self.results)} if self.options.is_batch else {})

    async def _run_rows(self, engine: EngineClient, webhooks: Webhooks) -> None:
        numbers = iter(range(len(self.results)))

        async def work(numbers: Iterator[int]) -> None:
            for number in numbers:
                await self._run_row(engine, webhooks, number)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_WINDOW, len(self.results))):
                group.create_task(work(numbers))

    async def _run_row(self, engine: EngineClient, webhooks: Webhooks, number: int) -> None:
        options = self.options
        place = f"batch[{number}]" if options.is_batch else "arguments"
        try:
            given = (options.prompt, options.rows[number], place)
            if self.program.built.is_checked_aside:
                arguments = await asyncio.to_thread(self.program.bind, *given)
            else:
                arguments = self.program.bind(*given)
            job = await self._begin(engine, arguments, number)
            async with job:
                await self._follow(engine, webhooks, job, number)
        except ApiError as error:
            self.failure = error
            about = {"code": error.code or error.type, "message": error.message}
            self._settle(number, {"error": about | {"loc": None, "cause": None}})

    async def _begin(self, engine: EngineClient, arguments: Mapping[str, Any], number: int) -> Job:
        """Begin a row. Those of a batch wait for an engine that has no room, or is started again.

        One waits for all others: a thousand rows that ask again and again would be a load.
        """
        async with self._asking:
            while True:
                try:
                    return self._submit(engine, arguments, number)
                except ApiError as error:
                    is_away = error.status == 429 or error.code == "engine_down"
                    if not (is_away and self.options.is_batch):
                        raise
                await asyncio.sleep(_RETRY_S)

    def _submit(self, engine: EngineClient, arguments: Mapping[str, Any], number: int) -> Job:
        options, built = self.options, self.program.built
        engine.load_plan(self.program.id, built.plan)
        return engine.run_plan(
            self.program.id,
            options.prompt,
            arguments,
            seed=options.seed,
            instance=number,
            deltas=options.deltas,
            limits=options.limits,
            trace=self._trace_words() if options.trace else None,
        )

    async def _follow(
        self, engine: EngineClient, webhooks: Webhooks, job: Job, number: int
    ) -> None:
        async for reply in job:
            match reply:
                case Happened(events=events):
                    for event in events:
                        self._tell(number, event)
                case ToolCalled():
                    self._call(engine, webhooks, job, reply, number)
                case Traced(trace=trace):
                    self.trace = trace
                case Finished(result=result):
                    assert result is not None
                    self._settle(number, dict(result))

    def _tell(self, number: int, event: Mapping[str, Any]) -> None:
        if event["t"] == "value" and not self.options.is_batch:
            self.captures[event["name"]] = event["value"]
        if event["t"] == "error":
            return  # told with the result
        self.events.add(event["t"], self._with_row(number, event))

    def _call(
        self,
        engine: EngineClient,
        webhooks: Webhooks,
        job: Job,
        call: ToolCalled,
        number: int,
    ) -> None:
        call_id = f"call_{job.number}_{call.call}"
        if call.name in webhooks:
            task = asyncio.create_task(self._ask(engine, webhooks, job, call, call_id))
            self._webhooks.add(task)
            task.add_done_callback(self._webhooks.discard)
            return
        self._pending[call_id] = _Pending(job, call, time.monotonic() + call.timeout_s)
        told = {
            "call_id": call_id,
            "name": call.name,
            "path": call.path,
            "arguments": call.arguments,
            "timeout_s": call.timeout_s,
        }
        self.events.add("tool_call", self._with_row(number, told))

    async def _ask(
        self, engine: EngineClient, webhooks: Webhooks, job: Job, call: ToolCalled, call_id: str
    ) -> None:
        about = {"run": self.id, "call_id": call_id}
        try:
            value = await webhooks.call(call.name, call.arguments, about, call.timeout_s)
        except WebhookError as error:
            engine.answer_tool(job, call.call, error=str(error))
        else:
            engine.answer_tool(job, call.call, value)

    def _settle(self, number: int, result: Data) -> None:
        if self.options.is_batch and self._results_bytes > self.max_results_bytes:
            result = {"error": _too_much(self.max_results_bytes)}
        self.results[number] = result
        if self.options.is_batch:
            self._results_bytes += self.events.add("row", {"row": number} | result)
        elif "error" in result:
            self.events.add("error", result["error"])

    def _fill(self, error: Data) -> None:
        """Let rows that have no result end with an error."""
        for number, result in enumerate(self.results):
            if result is None:
                partial = {} if self.options.is_batch else {"captures": dict(self.captures)}
                self._settle(number, {"error": error | {"loc": None, "cause": None}} | partial)

    def _end(self) -> None:
        for task in self._webhooks:
            task.cancel()
        self._pending.clear()
        self.captures = {}  # those of the result count
        self.options = replace(self.options, rows=())  # nobody asks for them any more
        if self.options.is_batch:
            failed = sum("error" in (result or {}) for result in self.results)
            done: Data = {"status": self.status, "rows": len(self.results), "failed": failed}
        else:
            done = {"status": self.status} | (self.results[0] or {})
        size = self.events.add("done", done)
        self._results_bytes += 0 if self.options.is_batch else size
        self.events.close()

    def _with_row(self, number: int, data: Mapping[str, Any]) -> Data:
        return {"row": number, **data} if self.options.is_batch else dict(data)

    def _trace_words(self) -> Data:
        """What a trace says of its run, as ``sglc run --trace`` does."""
        return {
            "program": NAME,
            "prompt": self.options.prompt,
            "plan": self.program.built.digest,
            "model": self.options.model,
            "seed": self.options.seed,
            "passes": f"-O{self.program.upload.level}",
            "by_value": False,
            "files": dict(self.program.built.files),
        }


def _too_much(max_bytes: int) -> Data:
    message = (
        f"the results of the rows that were done before have more than {max_bytes} bytes: "
        "run the others in a batch of their own"
    )
    return {"code": "limit", "message": message, "loc": None, "cause": None}
