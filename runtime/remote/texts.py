"""Decodes and scores of a backend, as requests of its dialect and checks of what comes back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from sglc.constraints.automaton import Automaton
from sglc.constraints.types import Literal, Type, Union
from sglc.runtime.core.events import DecodeResult, ScoreResult
from sglc.runtime.core.script import Constraint, Decode, TextScore
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.fitting import fitted
from sglc.runtime.remote.held import held_to
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.surplus import Surplus, may_speculate
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.turns import MAX_TRIES, Mismatch, Turn, Turns, unmatched
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Wire
from sglc.runtime.remote.writing import Writing, result_of

Emit = Callable[[int, str], None]
"""Told the number of a sample and more of its text."""

Prompt = tuple[int, ...]
Outcome = DecodeResult | RemoteError


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCall:
    """A decode behind ``prompt``, for ``count`` streams that differ in what they draw alone.

    ``emit`` is told what is written: as it comes, if it ``is_streamed``. ``bills`` gets what each
    request has cost, those of texts that were of no use too. Calls of different ``namespace`` take
    nothing from each other.
    """

    prompt: Prompt
    op: Decode
    count: int
    emit: Emit
    bills: list[Bill]
    is_streamed: bool
    namespace: str = ""


class Texts:
    """Asks one server. Used in the event loop of its client.

    ``ends`` are texts that end every answer, as an end-of-sequence token does.
    """

    def __init__(
        self,
        wire: Wire,
        client: Client,
        tokenizer: RemoteTokenizer,
        policy: Policy,
        ends: tuple[str, ...] = (),
    ) -> None:
        self._ends = ends
        self._wire = wire
        self._client = client
        self._tokenizer = tokenizer
        self._policy = policy
        self._surplus = Surplus()
        self._turns = Turns()

    async def write(self, call: TextCall) -> list[Outcome]:
        """Return the texts of a decode, one for each stream; where that can be, of one request.

        One that is not of the type asked for is an error, which holds up no other.

        Raises:
            RemoteError: the request for all of them failed.
            ValueError: the prompt cannot be sent to this server.
        """
        stops = call.op.stop
        op = replace(call.op, stop=tuple(dict.fromkeys((*stops, *self._ends))))
        found = await self._written(replace(call, op=op))
        return [
            each if isinstance(each, RemoteError) else self._by_its_end(each, stops)
            for each in found
        ]

    async def _written(self, call: TextCall) -> list[Outcome]:
        op, capabilities = call.op, self._wire.capabilities
        wanted = None if op.constraint is None else op.constraint.wanted
        held = None if wanted is None else held_to(wanted, capabilities)
        ahead = max(op.ahead, self._policy.speculate)
        if capabilities.prompts == "chat":
            base, given = self._tokenizer.open_message(call.prompt)
            if given and capabilities.schema_mode:
                held = None  # whole messages are held, and this one is not asked for as one
            if ahead and not capabilities.prefill and (wanted is None or self._emulates):
                return [
                    await _outcome(self._part(call, number, base, given, ahead))
                    for number in range(call.count)
                ]
        if ahead and call.count == 1 and may_speculate(op):
            result = await self._ahead(call, ahead)
            if result is not None:
                call.emit(0, result.text)
                return [result]
        if wanted is not None and (held is None or capabilities.schema_mode):
            return await self._checked(call, None if held is None else wanted)
        ask = self._ask(
            op, call.prompt, samples=call.count, stream=call.is_streamed, constraint=wanted
        )
        writings = await self._request(ask, op, call.bills, call.emit)
        return [self._kept(each, op) for each in writings]

    async def score(self, prompt: Prompt, op: TextScore, bills: list[Bill]) -> ScoreResult:
        """Return the scores of texts; where a server has none, all weight is on what it writes.

        Raises:
            RemoteError, ValueError: as ``write``.
        """
        choices = [self._tokenizer.decode(choice) for choice in op.choices]
        if not self._wire.capabilities.scoring:
            return await self._chosen(prompt, choices, op, bills)
        async with self._client.turn(len(choices) * (len(prompt) // 4)):
            scores = await self._wire.score(self._client, prompt, choices, alone=op.alone)
        self._bill(scores.bill, len(choices) * (len(prompt) // 4), bills)
        return ScoreResult(scores.rows, alone=scores.alone, tokens=scores.tokens)

    def _by_its_end(self, result: DecodeResult, stops: tuple[str, ...]) -> DecodeResult:
        """Return a result that ended with an answer's end as such; it is none of ``stops``."""
        if result.matched in self._ends and result.matched not in stops:
            return replace(result, finish="eos", matched=None)
        return result

    def _ask(
        self,
        op: Decode,
        prompt: Prompt,
        *,
        samples: int = 1,
        stream: bool = False,
        constraint: Type | None = None,
    ) -> Ask:
        capabilities = self._wire.capabilities
        stop = tuple(each for each in op.stop if capabilities.blank_stops or each.strip())
        stop = stop[: capabilities.max_stops]
        return Ask(
            prompt=prompt,
            max_tokens=op.max_tokens,
            sampling=op.sampling,
            stop=stop,
            seed=None if op.sampling.is_greedy else op.key,
            constraint=constraint,
            ignore_eos=op.ignore_eos,
            with_tokens=op.num_logprobs is not None,
            report=op.report,
            stop_ids=op.stop_ids,
            samples=samples,
            # what we look for ourselves ends the request
            stream=stream or len(stop) < len(op.stop),
        )

    async def _request(
        self, ask: Ask, op: Decode, bills: list[Bill], emit: Emit | None = None
    ) -> list[Writing]:
        """Send a request and return its texts, each as far as it is wanted.

        One that breaks off is billed for what has come of it.
        """
        writings = [Writing(op) for _ in range(ask.samples)]
        bill: Bill | None = None
        has_begun = False
        try:
            async with (
                self._client.turn(ask.estimate),
                aclosing(self._wire.decode(self._client, ask)) as parts,
            ):
                async for part in parts:
                    has_begun = True
                    if isinstance(part, Bill):
                        bill = part
                        continue
                    writing = writings[part.sample]
                    if isinstance(part, Piece):
                        writing.add(part)
                    elif isinstance(part, Answer):
                        writing.end(part)
                    if emit is not None:
                        delta = writing.take_delta()
                        if delta:
                            emit(part.sample, delta)
                    if ask.stream and all(each.has_stopped for each in writings):
                        break  # by a stop text that the server does not look for
        except RemoteError:
            if has_begun:
                self._bill(bill, ask.estimate, bills)
            raise
        self._bill(bill, ask.estimate, bills)
        for writing in writings:
            writing.bill = bill
        if bill is not None and len(writings) == 1:
            writings[0].billed_tokens = bill.output_tokens
        for number, writing in enumerate(writings):
            if not writing.is_over:
                raise RemoteError(
                    f"{self._client.url} broke off its answer behind {len(writing.text)} "
                    f"characters of text {number + 1}; see the server's log"
                )
        return writings

    def _kept(self, writing: Writing, op: Decode) -> Outcome:
        """Return the result of a text that the server was to hold to its type."""
        try:
            result = writing.result()
        except RemoteError as error:
            return error
        if op.constraint is None:
            return result
        text = fitted(op.constraint, result.text)
        if text is None:
            return RemoteError(_no_member(op.constraint, result))
        return result if text == result.text else _with_text(result, text)

    @property
    def _emulates(self) -> bool:
        return self._policy.emulate == "validate-retry"

    async def _checked(self, call: TextCall, held: Type | None) -> list[Outcome]:
        """Have texts written, each again and again until it is of its type; known at the end.

        ``held``: the server is to hold them to that as well as it can, and one text each has to do
        unless the policy says otherwise.
        """
        ask = self._ask(call.op, call.prompt, samples=call.count, constraint=held)
        writings = await self._request(ask, call.op, call.bills)
        return await asyncio.gather(
            *(
                _outcome(self._member(call, number, writing, held))
                for number, writing in enumerate(writings)
            )
        )

    async def _member(
        self, call: TextCall, number: int, writing: Writing, held: Type | None
    ) -> DecodeResult:
        """Return a text that is of its type: what was written, or what is written instead.

        Raises:
            RemoteError: none is.
        """
        op = call.op
        assert op.constraint is not None
        most = self._policy.max_regenerated if held is None or self._emulates else 0
        attempt = 0
        while True:
            result = writing.result()
            text = fitted(op.constraint, result.text)
            if text is not None:
                call.emit(number, text)
                return _with_text(result, text)
            if attempt >= most:
                tried = f" (generated {attempt + 1} times)" if attempt else ""
                raise RemoteError(_no_member(op.constraint, result) + tried)
            attempt += 1
            self._client.meter.add(regenerated=1)
            again = self._varied(op, number * most + attempt)
            ask = self._ask(again, call.prompt, constraint=held)
            (writing,) = await self._request(ask, op, call.bills)

    def _varied(self, op: Decode, attempt: int) -> Decode:
        """Return a decode that draws again: a greedy one would write the same."""
        sampling = op.sampling
        if sampling.is_greedy:
            sampling = replace(sampling, temperature=self._policy.retry_temperature)
        return replace(op, sampling=sampling, key=(op.key + attempt) % 2**64)

    async def _part(
        self, call: TextCall, number: int, base: Prompt, given: str, ahead: int
    ) -> DecodeResult:
        """Return what a decode has of a message that is written as a whole, behind ``base``.

        ``given`` is what there is of the message, ``ahead`` how many tokens it may have.

        Raises:
            RemoteError: no message went on as the program does.
        """
        op = call.op
        found = self._turns.take(call.namespace, base, given, op)
        if found is not None:
            self._client.meter.add(saved_requests=1)
            call.emit(number, found.text)
            return found
        mismatch = Mismatch("")
        for attempt in range(MAX_TRIES):
            again = self._varied(op, number + attempt) if number + attempt else op
            whole, is_whole = await self._unstopped(call, self._ask(again, base), ahead)
            turn = Turn(call.namespace, base, op.sampling, whole.text, whole.tokens, is_whole)
            result = turn.cut(given, op)
            if isinstance(result, DecodeResult):
                self._turns.keep(turn, given, result)
                call.emit(number, result.text)
                return result
            mismatch = result
            self._client.meter.add(regenerated=attempt < MAX_TRIES - 1)
        raise RemoteError(unmatched(mismatch, MAX_TRIES))

    async def _ahead(self, call: TextCall, ahead: int) -> DecodeResult | None:
        """Return a text that is there already, or have more written than the decode needs.

        None if that leaves open what its text is.
        """
        found = self._surplus.take(call.namespace, call.prompt, call.op)
        if found is not None:
            self._client.meter.add(saved_requests=1)
            return found
        ask = self._ask(call.op, call.prompt)
        ask = replace(ask, with_tokens=self._wire.capabilities.logprobs)
        whole, is_whole = await self._unstopped(call, ask, ahead)
        return self._surplus.cut(
            call.namespace, call.prompt, call.op, whole.text, whole.tokens, is_whole=is_whole
        )

    async def _unstopped(self, call: TextCall, ask: Ask, ahead: int) -> tuple[Writing, bool]:
        """Have at least ``ahead`` tokens written, whatever the stop texts; return whether the
        model ended the text itself, too."""
        op = call.op
        ask = replace(ask, max_tokens=max(op.max_tokens, ahead), stop=(), stream=False)
        (whole,) = await self._request(ask, replace(op, stop=()), call.bills)
        whole.check()
        assert whole.answer is not None
        return whole, whole.answer.finish == "eos"

    async def _chosen(
        self, prompt: Prompt, choices: Sequence[str], op: TextScore, bills: list[Bill]
    ) -> ScoreResult:
        """Have one of the choices written, and give it all weight."""
        machine = Automaton.from_strings(choices)
        wanted = Union(tuple(map(Literal, choices)))
        longest = max(len(choice.encode()) for choice in choices)
        decode = Decode(longest, constraint=Constraint(machine, "leave", wanted=wanted))
        capabilities = self._wire.capabilities
        begun = capabilities.schema_mode and self._tokenizer.open_role(prompt)[1]
        held = None if begun or held_to(wanted, capabilities) is None else wanted
        call = TextCall(
            prompt=prompt, op=decode, count=1, emit=_nobody, bills=bills, is_streamed=False
        )
        (chosen,) = await self._checked(call, held)
        if isinstance(chosen, RemoteError):
            raise chosen
        rows = tuple((0.0 if c == chosen.text else -math.inf,) for c in choices)
        return ScoreResult(rows, alone=tuple((0.0,) for _ in choices) if op.alone else None)

    def _bill(self, bill: Bill | None, estimate: int, bills: list[Bill]) -> None:
        bill = bill or Bill(None, None)
        bills.append(bill)
        self._client.billed(
            estimate,
            input_tokens=bill.input_tokens,
            output_tokens=bill.output_tokens,
            cached_tokens=bill.cached_tokens,
        )


async def _outcome(work: Awaitable[DecodeResult]) -> Outcome:
    """Return what is written, or why it is not."""
    try:
        return await work
    except RemoteError as error:
        return error


def _nobody(sample: int, text: str) -> None:
    """Nobody is told."""


def _with_text(result: DecodeResult, text: str) -> DecodeResult:
    made = result_of(text, "constraint", num_tokens=result.num_tokens)
    meta = result.meta
    if meta is not None:
        meta = {**meta, "finish_reason": {"type": "stop", "matched": None}}
    return replace(made, logprobs=result.logprobs, meta=meta)


def _no_member(constraint: Constraint, result: DecodeResult) -> str:
    shown = result.text if len(result.text) <= 80 else result.text[:77] + "..."
    if result.finish == "length":
        return (
            f"the text was cut off at max_tokens before it was a whole {constraint.wanted}: "
            f"raise max_tokens (it was {shown!r})"
        )
    return f"the server has written {shown!r}, which is no {constraint.wanted}"
