"""What a Python program means: every op at once, from the whole prompt, one after another.

A state here knows nothing of fragments, cells, threads, caches or batches. Each model call encodes
the whole prompt from its beginning and asks the hash model for the logits of every prefix.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from generators.backends import EOS, TOKENIZER

from sglc.backend import Seam
from sglc.compiler.plan.seeds import Lineage
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Text, messages_of
from sglc.compiler.plan.select import choose, context_len, distinct_choices, first_counted
from sglc.constraints.language import max_tokens_of, parse, until
from sglc.errors import RunFailed, StateError
from sglc.expressions import Expr, Gen, Media, Select, parts, role
from sglc.expressions import RoleBegin as Begin
from sglc.expressions import RoleEnd as End
from sglc.functions import Function
from sglc.gen_options import RUN_DEFAULTS
from sglc.runtime.core.events import Decoded, Failed, Scored
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.naive_backend import NaiveBackend
from sglc.runtime.executor.compile_process import prepare
from sglc.runtime.executor.errors import RunError
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.encoded import Written
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.state import ProgramState

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
        self._naive.submit(request)
        found: list[Decoded | Scored] = []
        while not self._naive.idle:
            for event in self._naive.step():
                if isinstance(event, Failed):
                    raise Lost(event.message)
                if isinstance(event, Decoded | Scored):
                    found.append(event)
        return found


class ReferenceState(ProgramState):
    """A state that does everything at once. Nothing of the real one is inherited but its type."""

    def __init__(self, model: Model, prompt: Prompt | None = None) -> None:
        self._model = model
        self._prompt = self._entry = prompt or Prompt()
        self._values: dict[str, Any] = {}
        self._metas: dict[str, dict[str, Any]] = {}
        self._open: str | None = None
        self.ret_value: Any = None

    def __iadd__(self, other: object) -> ReferenceState:
        for part in parts(other):
            self._do(part)
        return self

    def _do(self, part: Expr | str) -> None:
        if isinstance(part, Begin):
            if self._open is not None:
                raise StateError(f"a {part.role} message cannot begin inside of a {self._open} one")
            self._open = part.role
        if isinstance(part, End):
            if self._open != part.role:
                inside = f"a {self._open} one" if self._open else "none"
                raise StateError(f"a {part.role} message ends, but {inside} is open")
            self._open = None
        name = part.name if isinstance(part, Gen | Select) else None
        value: Any = None
        if self._prompt.lost is None:
            try:
                value = self._done(part)
            except (Lost, ValueError) as error:
                self._prompt = replace(self._prompt, lost=str(error))
        if name is not None:
            self._values[name] = value
            if value is None or isinstance(part, Select):
                self._metas.pop(name, None)
            if self._prompt.lost is not None:
                self._values[name] = Lost(self._prompt.lost)

    def _done(self, part: Expr | str) -> Any:
        model, prompt = self._model, self._prompt
        value: Any = None
        match part:
            case str():
                self._prompt = prompt.plus(Text(part))
            case Begin(name):
                self._prompt = prompt.plus(RoleBegin(name))
            case End(name):
                self._prompt = prompt.plus(RoleEnd(name))
            case Gen(name):
                self._prompt, value, meta = model.gen(prompt, part)
                if name is not None:
                    self._metas[name] = meta
            case Select():
                self._prompt, value = model.select(prompt, part)
            case Media():
                raise Lost("the model takes text only: no images, no videos")
        return value

    def system(self, content: object = None) -> Any:
        return self._say("system", content)

    def user(self, content: object = None) -> Any:
        return self._say("user", content)

    def assistant(self, content: object = None) -> Any:
        return self._say("assistant", content)

    def _say(self, name: str, content: object) -> Any:
        if content is None:
            return self._said(name)
        self.__iadd__(role(name, content))
        return self

    @contextmanager
    def _said(self, name: str) -> Iterator[ReferenceState]:
        self._do(Begin(name))
        try:
            yield self
        except BaseException:
            if self._open == name:
                self._do(End(name))
            raise
        self._do(End(name))

    @contextmanager
    def var_scope(self, name: str) -> Iterator[ReferenceState]:
        before = self._prompt
        yield self
        lost = self._prompt.lost
        self._metas.pop(name, None)
        self._values[name] = self._since(before) if lost is None else Lost(lost)

    def _since(self, before: Prompt) -> str:
        """What was added; with what stands around messages where a prompt is one text."""
        if self._model.seam == "canonical":
            encoder = self._model.encoder()
            return encoder.text(self._prompt.plain())[len(encoder.text(before.plain())) :]
        added = self._prompt.plain()[len(before.segments) :]
        return "".join(segment.text for segment in added if isinstance(segment, Text))

    def fork(self, size: int = 1, position_ids_offset: list[int] | None = None) -> Any:
        children = []
        lineage = self._prompt.lineage
        for number in range(size):
            child = ReferenceState(
                self._model, replace(self._prompt, lineage=lineage.child(number))
            )
            child._values = dict(self._values)
            child._metas = dict(self._metas)
            child._open = self._open
            children.append(child)
        self._prompt = replace(self._prompt, lineage=lineage.child())
        return ReferenceForks(self, children)

    @contextmanager
    def copy(self, size: int = 1) -> Iterator[Any]:
        group = self.fork(size)
        yield group if size > 1 else group[0]
        group.join()

    def __getitem__(self, name: str) -> Any:
        return self.get_var(name)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get_var(self, name: str) -> Any:
        if name not in self._values:
            known = ", ".join(map(repr, self._values)) or "none"
            raise KeyError(f"there is no variable {name!r} here; there are: {known}")
        return _read(self._values[name])

    def set_var(self, name: str, value: Any) -> None:
        self._values[name] = value
        self._metas.pop(name, None)

    def get_meta_info(self, name: str) -> dict[str, Any]:
        self.get_var(name)
        return self._metas[name]

    def text(self, *, partial: bool = False) -> str:
        self._check()
        return self._model.encoder().text(self._prompt.plain())

    def messages(self, *, partial: bool = False) -> list[dict[str, Any]]:
        self._check()
        return messages_of(self._prompt.plain())

    def sync(self) -> ReferenceState:
        return self

    def error(self) -> BaseException | None:
        lost = self._prompt.lost
        return None if lost is None else RunFailed(RunError("model", lost))

    def _check(self) -> None:
        if self._prompt.lost is not None:
            raise RunFailed(RunError("model", self._prompt.lost))

    @property
    def variables(self) -> Mapping[str, Any]:
        return self._values

    def __repr__(self) -> str:
        return "<a state of the reference>"


class ReferenceForks(Sequence[ReferenceState]):
    """The children of a fork of the reference."""

    def __init__(self, parent: ReferenceState, children: Sequence[ReferenceState]) -> None:
        self._parent = parent
        self._children = children
        self._is_joined = False

    def __getitem__(self, index: Any) -> Any:
        return self._children[index]

    def __setitem__(self, index: int, child: ReferenceState) -> None:
        assert self._children[index] is child

    def __len__(self) -> int:
        return len(self._children)

    def __iadd__(self, other: Any) -> ReferenceForks:
        for number, child in enumerate(self._children):
            each = other
            if callable(other):
                each = other(number)
            elif not isinstance(other, str | Expr):
                each = other[number]
            child.__iadd__(each)
        return self

    def join(self, mode: str = "gather_variable") -> None:
        if self._is_joined:
            raise StateError("the forks have been joined before")
        self._is_joined = True
        parent = self._parent
        if mode == "concate_and_append":
            for child in self._children:
                lost = parent._prompt.lost or child._prompt.lost
                if lost is not None:
                    parent._prompt = replace(parent._prompt, lost=lost)
                    continue
                parent._do(child._since(child._entry))
            return
        for child in self._children:
            for name in child._values:
                if name not in parent._values:
                    having = [c._values[name] for c in self._children if name in c._values]
                    parent._values[name] = having


def _read(value: Any) -> Any:
    if isinstance(value, Lost):
        raise RunFailed(RunError("model", str(value)))
    if isinstance(value, list) and any(isinstance(each, Lost | list) for each in value):
        return [_read(each) for each in value]
    return value


def _refuse_the_rest() -> None:
    """Let what a real state has and this one has not fail by name, not by accident."""
    for name, member in inspect.getmembers(ProgramState):
        if name in vars(ReferenceState) or name.startswith("__"):
            continue

        def refused(self: Any, *_: Any, _name: str = name, **__: Any) -> Any:
            raise NotImplementedError(f"the reference has no {_name}")

        setattr(ReferenceState, name, refused if callable(member) else property(refused))


_refuse_the_rest()


def run_reference(
    function: Function, *args: Any, instance: int = 0, seam: Seam = "repair", **kwargs: Any
) -> ReferenceState:
    """Run a program, and the programs that it runs, on states of the reference."""

    def run(inner: Function, *args: Any, instance: int = 0, **kwargs: Any) -> ReferenceState:
        call, options, others = inner.arranged(args, kwargs)
        state = ReferenceState(Model(options, int(others.get("seed") or 0), instance, seam))
        state.ret_value = inner.func(state, *call.args, **call.kwargs)
        return state

    with patch.object(Function, "run", run):
        return run(function, *args, instance=instance, **kwargs)
