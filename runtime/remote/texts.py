"""Decodes and scores of a backend, as requests of its dialect and checks of what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

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

    async def write(
        self,
        prompt: Prompt,
        op: Decode,
        count: int,
        emit: Emit,
        bills: list[Bill],
        *,
        stream: bool,
        namespace: str = "",
    ) -> list[DecodeResult]:
        """Return ``count`` texts of a decode; above 1 it is one request for all.

        ``bills`` gets what each request has cost, those of texts that were of no use too.

        Raises:
            RemoteError: a request failed, or no text was of the type asked for.
            ValueError: the prompt cannot be sent to this server.
        """
        stops = op.stop
        op = replace(op, stop=tuple(dict.fromkeys((*op.stop, *self._ends))))
        found = await self._written(prompt, op, count, emit, bills, stream, namespace)
        return [self._by_its_end(each, stops) for each in found]

    async def _written(
        self,
        prompt: Prompt,
        op: Decode,
        count: int,
        emit: Emit,
        bills: list[Bill],
        stream: bool,
        namespace: str,
    ) -> list[DecodeResult]:
        wanted = None if op.constraint is None else op.constraint.wanted
        held = None if wanted is None else held_to(wanted, self._wire.capabilities)
        capabilities = self._wire.capabilities
        ahead = max(op.ahead, self._policy.speculate)
        if capabilities.prompts == "chat":
            base, given = self._tokenizer.open_message(prompt)
            if given and capabilities.schema_mode:
                held = None  # whole messages are held, and this one is not asked for as one
            if ahead and not capabilities.prefill and (wanted is None or self._emulates):
                return [
                    await self._part(base, given, op, n, partial(emit, n), bills, ahead, namespace)
                    for n in range(count)
                ]
        if ahead and count == 1 and may_speculate(op):
            found = self._surplus.take(namespace, prompt, op)
            if found is not None:
                self._client.meter.add(saved_requests=1)
                emit(0, found.text)
                return [found]
            result = await self._ahead(prompt, op, ahead, bills, namespace)
            if result is not None:
                emit(0, result.text)
                return [result]
        if wanted is not None and held is None:
            return [await self._checked(prompt, op, partial(emit, n), bills) for n in range(count)]
        if wanted is not None and capabilities.schema_mode:  # its text is known at the end
            return [
                await self._checked(prompt, op, partial(emit, n), bills, held=wanted)
                for n in range(count)
            ]
        ask = self._ask(op, prompt, samples=count, stream=stream, constraint=wanted)
        writings = await self._request(ask, op, emit, bills)
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
        stream: bool,
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
        self, ask: Ask, op: Decode, emit: Emit | None, bills: list[Bill]
    ) -> list[Writing]:
        """Send a request and return its texts, each as far as it is wanted."""
        writings = [Writing(op) for _ in range(ask.samples)]
        bill: Bill | None = None
        async with (
            self._client.turn(ask.estimate),
            aclosing(self._wire.decode(self._client, ask)) as parts,
        ):
            async for part in parts:
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
            if bill is not None and bill.has_thought and _has_only_thought(writing):
                raise RemoteError(
                    f"the model has thought for as long as max_tokens ({ask.max_tokens}) lets it, "
                    "and has written nothing: raise max_tokens"
                )
        return writings

    def _kept(self, writing: Writing, op: Decode) -> DecodeResult:
        """Return the result of a text that the server was to hold to its type.

        Raises:
            RemoteError: it has not.
        """
        result = writing.result()
        if op.constraint is None:
            return result
        text = fitted(op.constraint, result.text)
        if text is None:
            raise RemoteError(_no_member(op.constraint, result))
        return result if text == result.text else _with_text(result, text)

    @property
    def _emulates(self) -> bool:
        return self._policy.emulate == "validate-retry"

    async def _checked(
        self,
        prompt: Prompt,
        op: Decode,
        emit: Callable[[str], None],
        bills: list[Bill],
        held: Type | None = None,
    ) -> DecodeResult:
        """Have a text written, again and again until it is of its type.

        ``held``: the server is to hold it to that as well as it can, and one text has to do unless
        the policy says otherwise.
        """
        assert op.constraint is not None
        most = self._policy.max_regenerated if held is None or self._emulates else 0
        attempt = 0
        while True:
            again = op if not attempt else self._varied(op, attempt)
            ask = self._ask(again, prompt, stream=False, constraint=held)
            (writing,) = await self._request(ask, op, None, bills)
            result = writing.result()
            text = fitted(op.constraint, result.text)
            if text is not None:
                emit(text)
                return _with_text(result, text)
            if attempt >= most:
                tried = f" (generated {attempt + 1} times)" if attempt else ""
                raise RemoteError(_no_member(op.constraint, result) + tried)
            attempt += 1
            self._client.meter.add(regenerated=1)

    def _varied(self, op: Decode, attempt: int) -> Decode:
        """Return a decode that draws again: a greedy one would write the same."""
        sampling = op.sampling
        if sampling.is_greedy:
            sampling = replace(sampling, temperature=self._policy.retry_temperature)
        return replace(op, sampling=sampling, key=(op.key + attempt) % 2**64)

    async def _part(
        self,
        base: Prompt,
        given: str,
        op: Decode,
        number: int,
        emit: Callable[[str], None],
        bills: list[Bill],
        ahead: int,
        namespace: str,
    ) -> DecodeResult:
        """Return what a decode has of a message that is written as a whole.

        Raises:
            RemoteError: no message went on as the program does.
        """
        found = self._turns.take(namespace, base, given, op)
        if found is not None:
            self._client.meter.add(saved_requests=1)
            emit(found.text)
            return found
        mismatch = Mismatch("")
        for attempt in range(MAX_TRIES):
            again = self._varied(op, number + attempt) if number + attempt else op
            ask = replace(
                self._ask(again, base, stream=False),
                max_tokens=max(op.max_tokens, ahead),
                stop=(),
                stream=False,
            )
            (whole,) = await self._request(ask, replace(op, stop=()), None, bills)
            assert whole.answer is not None
            is_whole = whole.answer.finish == "eos"
            turn = Turn(namespace, base, op.sampling, whole.text, whole.tokens, is_whole)
            result = turn.cut(given, op)
            if isinstance(result, DecodeResult):
                self._turns.keep(turn, given, result)
                emit(result.text)
                return result
            mismatch = result
            self._client.meter.add(regenerated=attempt < MAX_TRIES - 1)
        raise RemoteError(unmatched(mismatch, MAX_TRIES))

    async def _ahead(
        self, prompt: Prompt, op: Decode, ahead: int, bills: list[Bill], namespace: str
    ) -> DecodeResult | None:
        """Have more written than a decode needs; None if that leaves open what its text is."""
        ask = replace(
            self._ask(op, prompt, stream=False),
            max_tokens=max(op.max_tokens, ahead),
            stop=(),
            with_tokens=self._wire.capabilities.logprobs,
        )
        (whole,) = await self._request(ask, replace(op, stop=()), None, bills)
        assert whole.answer is not None
        return self._surplus.cut(
            namespace, prompt, op, whole.text, whole.tokens,
            is_whole=whole.answer.finish == "eos",
        )  # fmt: skip

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
        chosen = await self._checked(prompt, decode, _nobody, bills, held=held)
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


def _has_only_thought(writing: Writing) -> bool:
    """Whether nothing was written of a text that was cut off."""
    return not writing.text and writing.answer is not None and writing.answer.finish == "length"


def _nobody(text: str) -> None:
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
