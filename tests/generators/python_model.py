"""The model of the reference: every call from the whole prompt, one after another."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generators.backends import EOS, TOKENIZER

from sglc.backends.backend import Seam
from sglc.compiler.plan.seeds import Lineage
from sglc.compiler.plan.segments import Segment, Text
from sglc.compiler.plan.select import choose, context_len, distinct_choices, first_counted
from sglc.constraints.language import max_tokens_of, parse, until
from sglc.program.expressions import Gen, Select
from sglc.program.gen_options import RUN_DEFAULTS
from sglc.runtime.core.events import Decoded, Failed, Scored
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.naive_backend import NaiveBackend
from sglc.runtime.executor.compile_process import prepare
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.encoded import Written
from sglc.runtime.tokenizer.prompt import PromptEncoder

FIRST = Lineage()
MAX_CONTEXT = 4096
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty",
             "repetition_penalty")  # fmt: skip


class Lost(Exception):
    """An op cannot be done: nothing that needs it can."""


@dataclass(frozen=True)
class Prompt:
    """A prompt: segments, each with the ids that a model wrote it with; or why it is lost."""

    segments: tuple[tuple[Segment, Written | None], ...] = ()
    lineage: Lineage = FIRST
    lost: str | None = None

    def plus(self, segment: Segment, written: Written | None = None) -> Prompt:
        return replace(self, segments=(*self.segments, (segment, written)))

    def plain(self) -> list[Segment]:
        return [segment for segment, _ in self.segments]


class Model:
    """Asks the hash model, with the options of one run."""

    def __init__(self, options: Mapping[str, Any], seed: int, instance: int, seam: Seam) -> None:
        vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids, TOKENIZER.vocab_size)
        self.options = {**RUN_DEFAULTS, **options}
        self.seed = seed
        self.instance = instance
        self.seam = seam
        self._one_at_a_time = threading.Lock()  # programs may have threads
        self._naive = NaiveBackend(
            lambda ids: hash_logits(ids, TOKENIZER.vocab_size, EOS),
            vocabulary, TOKENIZER.vocab_size, MAX_CONTEXT, TOKENIZER,
        )  # fmt: skip

    def encoder(self) -> PromptEncoder:
        return PromptEncoder(TOKENIZER, CHATML)

    def ids(self, prompt: Prompt, *more: Segment) -> tuple[int, ...]:
        """Return the ids of a whole prompt, and of what follows it."""
        encoder = self.encoder()
        if self.seam == "canonical":
            return tuple(encoder.encode([*prompt.plain(), *more]))
        made, waiting = encoder.start, list[Segment]()
        for segment, written in prompt.segments:
            if written is None:
                waiting.append(segment)
                continue
            assert isinstance(segment, Text)
            made = encoder.keep(encoder.extend(made, waiting), segment.text, written)
            waiting.clear()
        return encoder.extend(made, [*waiting, *more]).ids()

    def gen(self, prompt: Prompt, call: Gen) -> tuple[Prompt, Any, dict[str, Any]]:
        """Return the prompt behind a call, its value, and what is known of it beside that."""
        options = {**self.options, **call.options}
        ids, heal = self.ids(prompt), b""
        if options["healing"]:
            ids, heal = self.encoder().withhold(ids, prompt.plain())
        if not ids:
            raise Lost("the stream is empty: there is nothing to go on from")
        most, prepared, wanted = options["max_tokens"], None, None
        if call.constraint is not None:
            wanted = until(call.constraint, options["stop"])
            prepared = prepare(wanted)
            most = min(most, max_tokens_of(wanted) or most)
        sampling = {name: options[name] for name in _SAMPLING}
        decode = Decode(
            most,
            SamplingParams(**sampling, min_new_tokens=options["min_tokens"]),
            prompt.lineage.key(self.seed, self.instance),
            options["stop"],
            stop_ids=frozenset(options["stop_token_ids"]),
            constraint=prepared and prepared.constraint,
            ignore_eos=options["ignore_eos"],
            heal=heal,
        )
        (event,) = self._ask(StreamRequest((Extend(tuple(ids)), decode), deltas=False))
        assert isinstance(event, Decoded)
        result = event.result
        value = result.text
        if prepared is not None and wanted is not None:
            value = parse(wanted, result.text, prepared.machines.__getitem__)
        written = Written(result.ids[: result.num_kept], heal) if self.seam == "repair" else None
        after = replace(
            prompt.plus(Text(result.text), written), lineage=prompt.lineage.after_call()
        )
        meta = {"completion_tokens": len(result.ids), "is_cut": result.finish == "length"}
        return after, value, meta

    def select(self, prompt: Prompt, call: Select) -> tuple[Prompt, str]:
        """Return the prompt with the best choice behind it, and that."""
        choices = distinct_choices(call.choices)
        stream = self.ids(prompt)
        full = [self.ids(prompt, Text(choice)) for choice in choices]
        scores = self._scores(choices, full, context_len([stream, *full]))
        alone: list[list[float]] = []
        if call.method == "unconditional":
            alone = self._scores(choices, [self.ids(Prompt(), Text(c)) for c in choices], 1)
        text = choices[choose(call.method, scores, alone)]
        return prompt.plus(Text(text)), text

    def _scores(
        self, choices: Sequence[str], full: Sequence[tuple[int, ...]], context: int
    ) -> list[list[float]]:
        rows: list[list[float]] = []
        for choice, ids in zip(choices, full, strict=True):
            row: Sequence[float] = ()
            if len(ids) > context:
                script = (Extend(ids[:context]), Score((ids[context:],)))
                (event,) = self._ask(StreamRequest(script, deltas=False))
                assert isinstance(event, Scored)
                (row,) = event.result.logprobs
            lens = [len(TOKENIZER.token_bytes[token]) for token in ids]
            skipped = max(first_counted(lens, len(choice.encode())) - context, 0)
            rows.append(list(row[skipped:]))
        return rows

    def _ask(self, request: StreamRequest) -> list[Decoded | Scored]:
        with self._one_at_a_time:
            self._naive.submit(request)
            found: list[Decoded | Scored] = []
            while not self._naive.idle:
                for event in self._naive.step():
                    if isinstance(event, Failed):
                        raise Lost(event.message)
                    if isinstance(event, Decoded | Scored):
                        found.append(event)
            return found
