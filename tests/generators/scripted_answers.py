"""An engine that writes what it is told to, as far as the request lets it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

from sglc.compiler.plan.segments import Special
from sglc.constraints.language import language, until
from sglc.runtime.core.events import DecodeResult, Finish
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.conversation import Conversations
from sglc.runtime.tokenizer.pieces import Cutter
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate
from sglc.server.engine.client import EngineClient
from sglc.server.engine.messages import Finished, Generation, JobReply, Ready, Sampled, Written
from sglc.server.service import Service

MAX_CONTEXT = 100_000


class _Replies:
    """What a job says, piece by piece however slowly it is read."""

    def __init__(self) -> None:
        self._replies: list[JobReply] = []

    def put(self, reply: JobReply) -> None:
        self._replies.append(reply)

    async def __aenter__(self) -> _Replies:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[JobReply]:
        for reply in self._replies:
            yield reply


class ScriptedEngine:
    """Writes ``scripts``, one for each sample of a first job; a later job goes on with the one
    that its prompt has begun. A text in a script may hold names of special tokens.

    ``cached`` tokens of each prompt are said to have been in the cache. ``sizes`` are the lengths
    of the pieces in which a text is streamed, again and again.
    """

    def __init__(
        self,
        tokenizer: TokenizerLike,
        scripts: Sequence[str],
        sizes: Sequence[int] = (1,),
        cached: int = 0,
    ) -> None:
        self._stats = StreamStats(cached_tokens=cached)
        self.ready = Ready(MAX_CONTEXT, 1000, MAX_CONTEXT)
        self.generations: list[Generation] = []
        self._tokenizer = tokenizer
        self._scripts = [self._ids(script) for script in scripts]
        self._sizes = sizes
        self._prompt: tuple[int, ...] = ()

    def check_size(self, generations: Sequence[Generation]) -> None:
        """Take any number."""

    def generate(self, generation: Generation) -> _Replies:
        """Answer at once."""
        self.generations.append(generation)
        job, number = _Replies(), len(self.generations)
        for sample in range(generation.num_samples):
            result = self._result(generation, sample) if generation.max_tokens else None
            if result is not None and generation.deltas:
                self._stream(job, number, sample, result)
            job.put(Sampled(number, sample, result, self._stats))
        job.put(Finished(number))
        return job

    def _ids(self, text: str) -> tuple[int, ...]:
        ids: list[int] = []
        for piece in Cutter(self._tokenizer.special_ids).cut(text):
            if isinstance(piece, Special):
                ids.append(self._tokenizer.special_ids[piece.name])
            else:
                ids += self._tokenizer.encode(piece.text)
        return tuple(ids)

    def _rest(self, generation: Generation, sample: int) -> tuple[int, ...]:
        if not self._prompt:
            self._prompt = generation.ids
        begun = generation.ids[len(self._prompt) :]
        if generation.num_samples > 1:
            return self._scripts[sample][len(begun) :]
        (script,) = (s for s in self._scripts if s[: len(begun)] == begun)
        return script[len(begun) :]

    def _result(self, generation: Generation, sample: int) -> DecodeResult:
        ids = self._rest(generation, sample)[: generation.max_tokens]
        if generation.constraint is not None:
            return self._constrained(generation, ids)
        stops = {stop.encode(): stop for stop in generation.stop}
        data = b""
        for at, token in enumerate(ids):
            if token in generation.stop_ids:
                return self._made(ids[: at + 1], data, "stop", token)
            data += self._tokenizer.token_bytes[token]
            for stop, text in stops.items():
                if data.endswith(stop):
                    return self._made(ids[: at + 1], data[: -len(stop)], "stop", text)
        is_cut = len(ids) == generation.max_tokens
        return self._made(ids, data, "length" if is_cut else "eos", None)

    def _constrained(self, generation: Generation, ids: tuple[int, ...]) -> DecodeResult:
        assert generation.constraint is not None
        machine = language(until(generation.constraint, generation.stop))
        state, data, kept = machine.start, b"", -1
        for at, token in enumerate(ids):
            if machine.is_accepting(state):
                kept = at
            piece = self._tokenizer.token_bytes[token]
            after = machine.run(state, piece) if piece else 0
            if not after:
                break
            state, data = after, data + piece
            if machine.is_complete(state):
                return self._made(ids[: at + 1], data, "constraint", None)
        else:
            at = len(ids)
            kept = at if machine.is_accepting(state) else kept
        assert kept >= 0, f"{data!r} is cut off in {generation.constraint}"
        text = b"".join(self._tokenizer.token_bytes[token] for token in ids[:kept])
        return self._made(ids[: at + 1], text, "constraint", None)

    def _made(
        self, ids: tuple[int, ...], data: bytes, finish: Finish, matched: str | int | None
    ) -> DecodeResult:
        return DecodeResult(ids, data.decode(), finish, matched)

    def _stream(self, job: _Replies, number: int, sample: int, result: DecodeResult) -> None:
        at, turn = 0, 0
        while at < len(result.text):
            size = self._sizes[turn % len(self._sizes)]
            job.put(Written(number, sample, result.text[at : at + size]))
            at, turn = at + size, turn + 1
        job.put(Written(number, sample, "", result.ids))


def scripted_service(
    tokenizer: TokenizerLike, template: ChatTemplate, engine: ScriptedEngine | EngineClient
) -> Service:
    """Return a service with a template of its own, and nothing stored."""
    return cast(
        Service,
        SimpleNamespace(
            config=SimpleNamespace(enable_cache_report=True),
            files=SimpleNamespace(tokenizer=tokenizer, template=template),
            encoder=PromptEncoder(tokenizer, template),
            engine=cast(Any, engine),
            conversations=Conversations(tokenizer, template),
            max_context=engine.ready.max_context if engine.ready else MAX_CONTEXT,
            check_chars=lambda num_chars, field: None,
            draw_seed=lambda given: given or 0,
        ),
    )
