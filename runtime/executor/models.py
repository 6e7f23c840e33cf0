"""Model calls: nodes that ask the backend, from request to value.

Calls are collected while the machine runs and submitted together. Each is one or more streams of
the backend; the tokens it draws depend on the call's place in the program and on nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sglc.compiler.plan.tokenizations import Pieces
from sglc.runtime.core.backend import Backend, ByteBackend
from sglc.runtime.core.events import (
    Decoded,
    Delta,
    Embedded,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
)
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.executor.asked import CallRequest, as_op_error, without
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.computed import EmbedCall, PrefillCall
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation
from sglc.runtime.executor.errors import LimitError, OpError
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.flight import Flights, request_key
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.gens import GenCall
from sglc.runtime.executor.held import HeldStreams
from sglc.runtime.executor.machine import Machine
from sglc.runtime.executor.modelcall import ModelCall
from sglc.runtime.executor.pins import Pins
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import NodeStats, Run
from sglc.runtime.executor.selects import select_call
from sglc.runtime.executor.warming import Warming
from sglc.runtime.tokenizer.base import TokenizerLike

_TENTATIVE: Final = -1  # the priority of calls that may turn out to be for nothing


class ModelCalls:
    """The calls that wait for constraints or to be submitted, and those the backend works on."""

    def __init__(
        self,
        backend: Backend,
        machine: Machine,
        compiler: ConstraintCompiler,
        recorder: Recorder | None,
    ) -> None:
        self._recorder = recorder
        self._backend = backend
        self._is_elsewhere = isinstance(backend, ByteBackend)
        self._flights = Flights(backend)
        self._held = HeldStreams(backend, recorder)
        self._pins = Pins(backend, recorder)
        self.warming = Warming(backend, self._held, recorder)
        self._machine = machine
        self._compiler = compiler
        self._waiting: dict[Preparation, list[ModelCall]] = {}
        self._pieces: Pieces | None = None
        self._window: list[ModelCall] = []
        self._missed: list[tuple[Event, ModelCall, int]] = []

    @property
    def has_window(self) -> bool:
        """Whether calls wait to be submitted."""
        return bool(self._window)

    @property
    def idle(self) -> bool:
        """Whether no call waits to be submitted or runs."""
        return not (self._window or self._flights or self._held.warming)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be computed here: calls run elsewhere, if any do."""
        return self.idle or (self._is_elsewhere and not self._window)

    @property
    def is_waiting(self) -> bool:
        """Whether a call waits for its constraint."""
        return bool(self._waiting)

    def start(self, machine: Machine, frame: Frame, node: NodeCode) -> None:
        """Start a node that asks the model: it is submitted when its constraint is ready."""
        run = frame.run
        fuel = run.fuel
        fuel.model_calls += 1
        if fuel.model_calls > run.limits.max_model_calls:
            raise LimitError(run.limits.exceeded(fuel))
        call = self._call(frame, node)
        try:
            constraint = call.prepare(self._compiler)
            if self._is_elsewhere and isinstance(call, GenCall) and call.heals:
                raise OpError("option", "`healing` needs the tokens of a model that runs here")
        except ValueError as error:
            raise as_op_error(error) from None
        if self._recorder is not None:
            call.record = self._recorder.begin(
                run, node.op, call.name, call.path, node.loc, call.stream
            )
        if constraint is None or constraint.is_ready:
            self._window.append(call)
        else:
            if call.record is not None:
                call.record.phase = "build"
            self._waiting.setdefault(constraint, []).append(call)

    def _call(self, frame: Frame, node: NodeCode) -> ModelCall:
        if node.op == "gen":
            return GenCall(frame, node, whole=self._is_elsewhere)
        if node.op == "select":
            return select_call(frame, node, self._pieces_of, whole=self._is_elsewhere)
        if node.op == "prefill":
            return PrefillCall(frame, node, whole=self._is_elsewhere)
        return EmbedCall(frame, node)

    def _pieces_of(self, tokenizer: TokenizerLike) -> Pieces:
        """The tokens of the one tokenizer of this executor, gathered when first asked for."""
        if self._pieces is None:
            self._pieces = Pieces(tokenizer.token_bytes, tokenizer.eos_ids)
        return self._pieces

    def take_prepared(self) -> None:
        """Let the calls go on whose constraints have been built, or cannot be."""
        for constraint in self._compiler.drain():
            self._window += self._waiting.pop(constraint, ())

    def flush(self) -> None:
        """Submit all calls of the window, those of a group together."""
        window, self._window = self._window, []
        groups: dict[object, list[ModelCall]] = {}
        for call in window:
            if not call.frame.run.done:
                name = call.node.attrs.get("group")
                groups.setdefault((call.frame.run.acting, name) if name else call, []).append(call)
        for calls in groups.values():
            self._submit(calls)

    def _submit(self, calls: Sequence[ModelCall]) -> None:
        """Submit calls as one group, but for what others ask already, and for held streams.

        A call whose stream is held goes on in it.
        """
        fresh: list[CallRequest] = []
        later: list[CallRequest] = []  # asks what another of the group asks
        given = [(call, requests) for call in calls if (requests := self._requests(call))]
        for call, requests in given:
            for number, request in enumerate(requests):
                asked = CallRequest(call, number, request, self._key(call, request))
                if asked.key is not None and any(asked.key == other.key for other in fresh):
                    later.append(asked)
                elif not (self._join(asked) or self._resume(asked)):
                    fresh.append(asked)
        if len(fresh) > 1 and calls[0].node.attrs.get("group"):
            self._place(fresh)
        else:
            all(self._place([asked]) for asked in fresh)  # of one call: the first to fail is enough
        for asked in later:
            if not self._join(asked):
                self._place([asked])
        for call, _ in given:
            self._note(call)
        self._catch_up()

    def _requests(self, call: ModelCall) -> Sequence[StreamRequest]:
        """Return what a call asks; nothing if it is over already."""
        run = call.frame.run
        encoded_chars = run.encoder.counts.encoded_chars
        try:
            requests = call.requests()
        except (OpError, ValueError) as error:
            self._fail(call, as_op_error(error))
            return ()
        stats = run.stats.setdefault(call.node.loc, NodeStats())
        stats.encoded_chars += run.encoder.counts.encoded_chars - encoded_chars
        if not requests:  # nothing to score: every choice is as likely
            self._note(call)
            self._finish(call)
        if len(requests) == 1:
            requests = (self._hinted(requests[0], call.node.attrs),)
        if run.namespace:
            requests = tuple(replace(each, namespace=run.namespace) for each in requests)
        if run.put_off is None:
            return requests
        return tuple(replace(each, priority=_TENTATIVE) for each in requests)

    def _hinted(self, request: StreamRequest, attrs: Mapping[str, Any]) -> StreamRequest:
        """Return a request that is held, or put into the cache, as the plan says.

        What is not to be cached is what is written behind the prompt.
        """
        if attrs.get("insert") is False:
            request = replace(request, insert=False, shared=len(request.sequence))
        return replace(request, hold=True) if attrs.get("hold") else request

    def _key(self, call: ModelCall, request: StreamRequest) -> Hashable | None:
        shares = call.frame.run.code.plan.hints.get("single_flight")
        return request_key(request) if shares else None

    def _join(self, asked: CallRequest) -> bool:
        """Take of the stream of another call that asks the same, if there is one."""
        call, number, _, key = asked
        joined = self._flights.join(key, (call, number))
        if joined is None:
            return False
        stream, reported = joined
        call.frame.run.streams.add(stream)
        self._missed += [(event, call, number) for event in reported]
        return True

    def _resume(self, asked: CallRequest) -> bool:
        """Go on in the stream that is held for a call, if there is one."""
        call = asked.call
        held = None
        if not asked.number:
            held = self._held.resume(call.frame.run, call.stream, asked.request)
        if held is None:
            return False
        self._begin(asked, held)
        return True

    def _place(self, fresh: Sequence[CallRequest]) -> bool:
        """Queue streams of calls as one; return whether the backend takes them."""
        requests = [asked.request for asked in fresh]
        try:
            if len(requests) > 1:
                streams = self._backend.submit_group(requests)
            else:
                streams = [self._backend.submit(requests[0])]
        except ValueError as error:
            calls = dict.fromkeys(asked.call for asked in fresh)
            if len(calls) == 1:
                self._give_up(fresh[0].call, OpError("model", str(error)))
            else:  # one of them cannot be asked: the others can
                for call in calls:
                    all(self._place([asked]) for asked in fresh if asked.call is call)
            return False
        for asked, stream in zip(fresh, streams, strict=True):
            self._begin(asked, stream)
        return True

    def _begin(self, asked: CallRequest, stream: int) -> None:
        """The backend works on a stream for a call."""
        call = asked.call
        self._flights.begin(stream, asked.request, (call, asked.number), asked.key)
        call.frame.run.streams.add(stream)
        call.own.append(stream)
        self._pins.use(call, asked.request.sequence)

    def _note(self, call: ModelCall) -> None:
        """Count a call that was submitted."""
        run = call.frame.run
        stats = run.stats.setdefault(call.node.loc, NodeStats())
        stats.calls += 1
        is_hit = call.missing > 0 and not call.own
        stats.single_flight_hits += is_hit
        if self._recorder is not None and call.record is not None:
            self._recorder.submitted(call.record, call.own, joined=is_hit)

    def _catch_up(self) -> None:
        """Deliver what was reported before somebody joined."""
        missed, self._missed = self._missed, []
        for event, call, number in missed:
            if self._takes(call, event.stream):
                self._take(event, call, number)

    def step(self) -> None:
        """Let the backend do one step and take what it reports."""
        if self._recorder is None:
            events = self._backend.step()
        else:
            events = self._recorder.step(self._backend)
        for event in events:  # what a call says of itself when it is done has its cost
            if isinstance(event, Ended | Held):
                for call, number in self._flights.takers(event.stream):
                    if not number:
                        call.cached_tokens = event.stats.cached_tokens
        for event in events:
            deliveries = self._flights.deliveries(event)
            for told, call, number in deliveries:
                self._take(told, call, number)
            if not deliveries and not self._pins.take(event):
                self.warming.take(event)

    def _take(self, event: Event, call: ModelCall, number: int) -> None:
        run = call.frame.run
        match event:
            case Delta(text=text):
                if text and run.deltas and (call.name or call.show):
                    run.log.add(RunEvent("delta", call.name, call.path, text, call.show))
            case Decoded() | Scored():
                if call.receive(number, event):
                    self._finish(call)
            case Embedded(vector=vector):
                assert isinstance(call, EmbedCall)
                call.vector = vector
                self._finish(call)
            case Ended(stats=stats):
                run.stats[call.node.loc].add(stats)
                self._drop(event.stream, call, cancel=False)
            case Held(stats=stats):
                run.stats[call.node.loc].add(stats)
                self._drop(event.stream, call, cancel=False)
                if call.after is None:  # what it wrote was of no use
                    self._backend.cancel(event.stream)
                else:
                    self._held.keep(run, call.after, event.stream)
            case Failed(message=message, stats=stats):
                run.stats[call.node.loc].add(stats)
                self._drop(event.stream, call, cancel=False)
                self._give_up(call, OpError("model", message))

    def _finish(self, call: ModelCall) -> None:
        frame, node, run = call.frame, call.node, call.frame.run
        try:
            text, logprob, values = call.finish()
        except OpError as error:
            self._fail(call, error)
            return
        if self._recorder is not None and call.record is not None:
            self._recorder.finish(call.record)
        after = call.after = call.appended(text, logprob)
        if run.root.on_result is not None:
            run.root.on_result(call, values[0])
        frame.note(node, after)
        if call.name:
            run.log.add(RunEvent("value", call.name, call.path, values[0], call.show))
            if frame.is_main and not node.is_apart:
                run.capture(call.name, frame.order(node.index), values[0])
        self._machine.done(frame, node, after, *values)
        reason = run.limits.exceeded(run.fuel)
        if reason is not None:
            self._machine.exhausted.append((run, reason))

    def _give_up(self, call: ModelCall, error: OpError) -> None:
        """Fail a call some streams of which may still run."""
        for stream in [s for s in call.frame.run.streams if self._takes(call, s)]:
            self._drop(stream, call)
        self._fail(call, error)

    def _fail(self, call: ModelCall, error: OpError) -> None:
        machine = self._machine
        if self._recorder is not None and call.record is not None:
            self._recorder.finish(call.record)
        machine.poison(call.frame, call.node, machine.fail(call.frame, call.node, error))

    def _takes(self, call: ModelCall, stream: int) -> bool:
        return any(taker is call for taker, _ in self._flights.takers(stream))

    def _drop(self, stream: int, call: ModelCall, *, cancel: bool = True) -> None:
        """Let a call take no more of a stream; ``cancel`` unless the stream has ended."""
        run = call.frame.run
        stats = self._flights.leave(stream, call, cancel=cancel)
        left = self._flights.takers(stream)
        if all(taker.frame.run.acting is not run.acting for taker, _ in left):
            run.streams.discard(stream)
        if stats is not None:
            run.stats.setdefault(call.node.loc, NodeStats()).add(stats)
            if self._recorder is not None:
                self._recorder.dropped(stream, stats)
        elif self._recorder is not None and left and left[0][0].record is not None:
            self._recorder.handed_over(stream, left[0][0].record)

    def cancel(self, run: Run) -> None:
        """Stop every call of a run and of the parts of it."""
        runs = dict.fromkeys(run.family())
        self._window, stopped = without(self._window, runs)
        for constraint, calls in list(self._waiting.items()):
            left, of_runs = without(calls, runs)
            self._waiting[constraint] = left
            stopped += of_runs
            if not left:
                del self._waiting[constraint]
        for stream in list(dict.fromkeys(s for each in runs for s in each.streams)):
            for call, _ in self._flights.takers(stream):
                if call.frame.run in runs:
                    self._drop(stream, call)
                    stopped.append(call)
        if self._recorder is not None:
            self._recorder.stop([call.record for call in stopped if call.record is not None])

    def begin(self, run: Run) -> None:
        """A run is open: what it will share with others of its program is kept."""
        self._pins.begin(run)

    def release(self, run: Run) -> None:
        """Let go of the streams that are held for a run, and for parts of it: it is over."""
        for each in run.family():
            self._held.release_all(each)
        if run.root is run:
            self._pins.end(run)
