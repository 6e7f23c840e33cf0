"""One answer while it is written: which generation comes next, and what the last one said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sglc.compiler.plan.segments import Segment, Text
from sglc.constraints.types import Type, Union
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.tokenizer.encoded import Encoded
from sglc.runtime.tokenizer.encoded import Written as WrittenIds
from sglc.server.engine.messages import Generation, Written
from sglc.server.openai.calling import Argued, Called, Calling, CallReader
from sglc.server.openai.logprobs import TokenLogprob, TokenNames
from sglc.server.openai.tokens import TextTokens, Tops
from sglc.server.service import Service

Finish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the model: a prompt, and how to answer ``num_choices`` times.

    ``max_tokens`` are those of one answer, and fit the context. ``keeps_stop``: the stop text is
    part of the answer. ``streams``: events come as the text is written. ``constraint_field`` is
    what an error names that the engine finds in a constraint.
    """

    prompt: Encoded
    max_tokens: int
    sampling: SamplingParams
    seed: int = 0
    num_choices: int = 1
    stops: tuple[str, ...] = ()
    stop_ids: frozenset[int] = frozenset()
    ignore_eos: bool = False
    keeps_stop: bool = False
    constraint: Type | None = None
    constraint_field: str | None = None
    num_logprobs: int | None = None
    calling: Calling | None = None
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """More text of an answer, and the tokens of it that are certain, if they were asked for."""

    choice: int
    text: str
    tokens: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class CallBegun:
    """An answer calls a tool; ``index`` counts the calls of the answer."""

    choice: int
    index: int
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of the JSON text of a call's arguments."""

    choice: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer is complete. ``matched`` is the stop text or the token that ended it, if any."""

    choice: int
    finish: Finish
    matched: str | int | None


AnswerEvent = Said | CallBegun | CallArguments | Ended


class Choice:
    """One answer, generation by generation.

    ``begin`` gives the first one; ``take`` and ``end`` hear what the engine says of it; then
    ``next`` is the one that goes on, or None when the answer is complete.
    """

    def __init__(self, service: Service, names: TokenNames, question: Question, index: int) -> None:
        self.index = index
        self.next: Generation | None = None
        self._encoder = service.encoder
        self._special_ids = service.files.tokenizer.special_ids
        self._question = question
        self._prompt = question.prompt
        self._room = question.max_tokens
        self._names = names
        self._tokens = TextTokens(names)
        self._reader: CallReader | None = None
        self._awaits_call = question.calling is not None
        self._num_calls = 0
        self._num_rounds = 0
        self._has_said = False

    def begin(self) -> Generation:
        """Return the first generation; the same for every choice but for what is drawn."""
        question, calling = self._question, self._question.calling
        if calling is None or (question.constraint is None and not calling.is_forced):
            return self._free()
        self._prompt = self._encoder.extend(self._prompt, calling.form.opening)
        self._reader = CallReader(calling, calling.form.begin)
        call = calling.first(calling.form.begin)
        if question.constraint is None:
            return self._held_to(call)
        either = Union((question.constraint, call))
        return self._generation(either, (), frozenset(), question.sampling)

    def take(self, written: Written) -> Iterator[AnswerEvent]:
        """Hear more text; yield what it says."""
        yield from self._hear(written.text, written.ids, written.logprobs, written.top_logprobs)

    def end(self, result: DecodeResult | None) -> Iterator[AnswerEvent]:
        """Hear how the generation ended, None if it had no room to begin; yield what that says.

        Where nothing was streamed its whole text is heard now.
        """
        self.next = None
        if result is None:
            yield self._ended("tool_calls" if self._num_calls else "length")
            return
        if not self._question.streams:
            tops = result.top_logprobs or ()
            yield from self._hear(result.text, result.ids, result.logprobs, tops)
        self._room -= len(result.ids)
        if self._reader is None:
            yield from self._end_of_text(result)
        else:
            yield from self._end_of_call(self._reader, result)

    def _hear(
        self, text: str, ids: Sequence[int], logprobs: Sequence[float], tops: Tops
    ) -> Iterator[AnswerEvent]:
        if self._reader is None:
            yield from self._say(text, ids, logprobs, tops)
            return
        yield from self._say("", ids, logprobs, tops)  # tokens of what was said; a call has none
        for piece in self._reader.read(text):
            yield from self._read(piece)

    def _say(
        self, text: str, ids: Sequence[int] = (), logprobs: Sequence[float] = (), tops: Tops = ()
    ) -> Iterator[AnswerEvent]:
        tokens = self._tokens.add(text, ids, logprobs, tops)
        if text or tokens:
            self._has_said = self._has_said or bool(text.strip())
            yield Said(self.index, text, tokens)

    def _read(self, piece: Called | Argued | str) -> Iterator[AnswerEvent]:
        match piece:
            case Called(name):
                self._num_calls += 1
                yield CallBegun(self.index, self._num_calls - 1, name)
            case Argued(text):
                yield CallArguments(self.index, self._num_calls - 1, text)
            case str() if not self._num_calls:  # behind a call it is what ends the calls
                yield from self._say(piece)

    def _end_of_text(self, result: DecodeResult) -> Iterator[AnswerEvent]:
        calling = self._question.calling
        if self._awaits_call and calling is not None and self._is_mark(calling, result.matched):
            form = calling.form
            self._awaits_call = form.has_mark or not self._has_said
            self._go_on(result, *(form.opening or (Text(form.trigger),)))
            if self._room < 1:
                yield self._ended("length")
            elif self._awaits_call:
                self._reader = CallReader(calling, form.behind_trigger)
                self.next = self._held_to(calling.first(form.behind_trigger))
            else:  # a text that happens to hold what calls begin with
                yield from self._say(form.trigger)
                self.next = self._free()
            return
        matched = result.matched
        if self._question.keeps_stop and matched is not None:
            kept = matched if isinstance(matched, str) else self._names.shown(matched)
            yield from self._say(kept)
        yield self._ended("length" if result.finish == "length" else "stop", result.matched)

    def _end_of_call(self, reader: CallReader, result: DecodeResult) -> Iterator[AnswerEvent]:
        for piece in reader.finish():
            yield from self._read(piece)
        if reader.kind == "call" and result.finish != "length":
            calling = reader.calling
            more = calling.more()
            if more is not None and self._num_calls < calling.num_calls and self._room > 0:
                self._go_on(result)
                assert calling.form.between is not None
                self._reader = CallReader(calling, calling.form.between)
                self.next = self._held_to(more)
                return
        if result.finish == "length" and (reader.kind == "call" or not self._num_calls):
            yield self._ended("length")
        else:
            yield self._ended("tool_calls" if self._num_calls else "stop", result.matched)

    def _is_mark(self, calling: Calling, matched: str | int | None) -> bool:
        form = calling.form
        if form.special is None:
            return matched == form.trigger and matched not in self._question.stops
        return matched == self._special_ids[form.special]

    def _go_on(self, result: DecodeResult, *segments: Segment) -> None:
        """Take what was written, and segments behind it, over into the prompt."""
        self._num_rounds += 1
        written = self._encoder.keep(self._prompt, result.text, WrittenIds(result.ids))
        self._prompt = self._encoder.extend(written, segments)

    def _free(self) -> Generation:
        """Return a generation of text, up to the mark of a call where there may be one."""
        question = self._question
        stops, stop_ids = question.stops, question.stop_ids
        if self._awaits_call and question.calling is not None:
            form = question.calling.form
            if form.special is None:
                stops = tuple(dict.fromkeys((*stops, form.trigger)))
            else:
                stop_ids |= {self._special_ids[form.special]}
        return self._generation(question.constraint, stops, stop_ids, question.sampling)

    def _held_to(self, constraint: Type) -> Generation:
        sampling = replace(self._question.sampling, min_new_tokens=0)
        return self._generation(constraint, (), frozenset(), sampling)

    def _generation(
        self,
        constraint: Type | None,
        stops: tuple[str, ...],
        stop_ids: frozenset[int],
        sampling: SamplingParams,
    ) -> Generation:
        question = self._question
        return Generation(
            ids=self._prompt.ids(),
            max_tokens=self._room,
            sampling=sampling,
            seed=self._seed(),
            stop=stops,
            stop_ids=stop_ids,
            ignore_eos=question.ignore_eos,
            constraint=constraint,
            num_logprobs=question.num_logprobs,
            deltas=question.streams,
        )

    def _seed(self) -> int:
        """The seed of this round; the first one is shared, and drawn from by place."""
        if not self._num_rounds:
            return self._question.seed
        words = f"{self._question.seed} {self.index} {self._num_rounds}".encode()
        return int.from_bytes(hashlib.sha256(words).digest()[:8], "little")

    def _ended(self, finish: Finish, matched: str | int | None = None) -> Ended:
        return Ended(self.index, finish, matched)
