"""Texts behind prompts, without a program: what ``Engine.generate`` asks and answers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sglc.errors import RunFailed
from sglc.program.gen_options import (
    LOGPROBS,
    RUN_DEFAULTS,
    RUN_NAMES,
    completed,
    constraint_of,
    gen_attrs,
    options_of,
)
from sglc.runs.staging import Staging
from sglc.runs.waiting import ThreadWaiter
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.backends.engine import Engine
    from sglc.constraints.types import Type

_OWN: Final = frozenset(
    {
        "n", "regex", "json_schema", "sampling_seed", "no_stop_trim", "skip_special_tokens",
        "spaces_between_special_tokens",
    }
)  # fmt: skip
_SAMPLING: Final = frozenset(RUN_NAMES).difference(
    LOGPROBS,
    {"min_tokens", "num_api_spec_tokens"},  # of programs
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for one prompt: ``count`` texts behind it.

    ``attrs`` are those of the op. With 0 ``max_tokens`` the prompt alone is computed.
    """

    ids: tuple[int, ...]
    text: str
    attrs: tuple[tuple[str, Any], ...]
    constraint: Type | None
    count: int
    max_tokens: int
    seed: int | None
    keeps_stop: bool


def wanted(
    ids: Sequence[int], text: str, params: Mapping[str, Any] | None, logprobs: Mapping[str, Any]
) -> Wanted:
    """Return what is asked, checked.

    Raises:
        TypeError: a parameter is unknown, or of the wrong type.
        ValueError: a parameter is out of its range, or a pattern or schema is wrong.
    """
    given = {name: value for name, value in (params or {}).items() if value is not None}
    unknown = sorted(set(given) - _SAMPLING - _OWN)
    if unknown:
        known = sorted(_SAMPLING | _OWN)
        near = get_close_matches(unknown[0], known, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
        raise TypeError(f"there is no sampling parameter `{unknown[0]}`: {hint}")
    if given.get("skip_special_tokens", True) is not True:
        raise ValueError("skip_special_tokens is always True: texts hold no special tokens")
    named = {RUN_NAMES[name]: value for name, value in given.items() if name in _SAMPLING}
    max_tokens = named.get("max_tokens", RUN_DEFAULTS["max_tokens"])
    if max_tokens == 0:
        named["max_tokens"] = 1
    checked = options_of({**named, **logprobs, "n": given.get("n")})
    if max_tokens == 0 and checked.get("return_logprob"):
        checked.setdefault("logprob_start_len", 0)  # else there would be nothing to tell
    options = completed(RUN_DEFAULTS, checked)
    constraint, more = constraint_of(regex=given.get("regex"), json_schema=given.get("json_schema"))
    attrs = {"name": "text", **more, **gen_attrs(options, "canonical")}
    if max_tokens == 0 and options["top_logprobs_num"]:
        attrs["peek"] = True
    return Wanted(
        tuple(ids), text, tuple(attrs.items()), constraint, options["n"] or 1, max_tokens,
        given.get("sampling_seed"), bool(given.get("no_stop_trim")),
    )  # fmt: skip


@dataclass(slots=True)
class Text:
    """One text that is written: the call's value, and what is asked of it."""

    asked: Wanted
    value: Cell
    staging: Staging
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def reply(self) -> dict[str, Any]:
        """Return the text with its ``meta_info``; it is done.

        Raises:
            RunFailed: it will never be there.
        """
        cell = self.value
        if cell.error is not None:
            raise RunFailed(cell.error)
        meta = {"id": self.id, **_known_of(cell)}
        text = str(cell.value)
        matched = meta.get("finish_reason", {}).get("matched")
        if self.asked.keeps_stop and isinstance(matched, str):
            text += matched
        return {"text": text, "meta_info": meta}

    def progress(self) -> dict[str, Any]:
        """Return what there is of the text, with what is known of it before its end."""
        text = "".join(self.staging.pieces.get(self.value, ()))
        meta = {"id": self.id, "finish_reason": None, "prompt_tokens": len(self.asked.ids)}
        return {"text": text, "meta_info": meta}


def begin(engine: Engine, asked: Sequence[Wanted], *, seed: int, stream: bool) -> list[Text]:
    """Ask for texts; those of one prompt follow each other."""
    from sglc.runtime.executor.stream import Stream

    found: list[Text] = []
    shared: dict[int, Staging] = {}
    for number, each in enumerate(asked):
        drawn = seed if each.seed is None else each.seed
        staging = shared.get(drawn)
        if staging is None:
            staging = shared[drawn] = Staging(
                engine, RUN_DEFAULTS, ThreadWaiter(), seed=drawn, deltas=stream
            )
        start: Cell = Cell(Stream.of_ids(engine.encoder, each.ids, each.text))
        if each.seed is None:
            (start,) = staging.emit("child", (start, number))
        for sample in range(each.count):
            (before,) = staging.emit("child", (start, sample))
            op = "gen" if each.max_tokens else "prefill"
            constraint = each.constraint if each.max_tokens else None
            _, value = staging.emit(op, (before,), 2, each.attrs, constraint)
            found.append(Text(each, value, staging))
    for staging in shared.values():
        staging.end()
    return found


def results(texts: Sequence[Text]) -> list[dict[str, Any]]:
    """Return the replies, once all of them are there.

    Raises:
        RunFailed: one will never be there; the others are given up.
    """
    try:
        for text in texts:
            text.staging.waiter.wait(text.value)
        return [text.reply() for text in texts]
    except BaseException:
        give_up(texts)
        raise


def give_up(texts: Sequence[Text]) -> None:
    """Stop what is not done."""
    for staging in {id(text.staging): text.staging for text in texts}.values():
        staging.cancel()


class Changes:
    """What is new of texts, reply by reply; the last one of each has its whole ``meta_info``.

    The text of a reply is what has come since the one before. With ``numbered`` it has an index.
    """

    def __init__(self, texts: Sequence[Text], *, numbered: bool) -> None:
        self._texts = texts
        self._numbered = numbered
        self._sent = [0] * len(texts)
        self._left = set(range(len(texts)))

    def take(self) -> Iterator[dict[str, Any]]:
        """Yield what is new.

        Raises:
            RunFailed: a text will never be there.
        """
        for index in sorted(self._left):
            text = self._texts[index]
            is_done = text.value.done
            found = text.reply() if is_done else text.progress()
            new = found["text"][self._sent[index] :]
            if is_done:
                self._left.discard(index)
            elif not new:
                continue
            self._sent[index] += len(new)
            yield {**found, "text": new, **({"index": index} if self._numbered else {})}

    @property
    def is_over(self) -> bool:
        """Whether all of it has been taken."""
        return not self._left

    def change(self) -> Cell:
        """Return a cell that is done when there may be something new, or is done already."""
        changed = Cell()
        for index in self._left:
            text = self._texts[index]
            text.value.tell(lambda: changed.settle(None))
            text.staging.next_change().tell(lambda: changed.settle(None))
        return changed


def stream(texts: Sequence[Text], *, numbered: bool) -> Iterator[dict[str, Any]]:
    """Yield what is written as it comes; stopping to ask stops the texts."""
    changes = Changes(texts, numbered=numbered)
    try:
        while not changes.is_over:
            change = changes.change()  # before it is looked at, so that nothing is missed
            found = list(changes.take())
            yield from found
            if not found:
                ThreadWaiter().wait(change)
    finally:
        give_up(texts)


async def async_stream(texts: Sequence[Text], *, numbered: bool) -> AsyncIterator[dict[str, Any]]:
    """``stream`` for a task of asyncio."""
    from sglc.runs.tasks import until

    changes = Changes(texts, numbered=numbered)
    try:
        while not changes.is_over:
            change = changes.change()
            found = list(changes.take())
            for each in found:
                yield each
            if not found:
                await until(change)
    finally:
        give_up(texts)


async def async_results(texts: Sequence[Text]) -> list[dict[str, Any]]:
    """``results`` for a task of asyncio."""
    from sglc.runs.tasks import until

    try:
        for text in texts:
            await until(text.value)
        return [text.reply() for text in texts]
    except BaseException:
        give_up(texts)
        raise


def embeddings(
    engine: Engine, prompts: Sequence[tuple[Sequence[int], str]]
) -> list[dict[str, Any]]:
    """Return the embedding of each prompt with its ``meta_info``.

    Raises:
        RunFailed: a prompt has no token, or is too long.
    """
    from sglc.runtime.executor.stream import Stream

    staging = Staging(engine, RUN_DEFAULTS, ThreadWaiter())
    values: list[Cell] = []
    for ids, text in prompts:
        start: Cell = Cell(Stream.of_ids(engine.encoder, ids, text))
        values.append(staging.emit("embed", (start,), 2)[1])
    staging.end()
    for value in values:
        staging.waiter.wait(value)
        if value.error is not None:
            staging.cancel()
            raise RunFailed(value.error)
    return [
        {"embedding": value.value, "meta_info": {"id": uuid.uuid4().hex, **_known_of(value)}}
        for value in values
    ]


def _known_of(cell: Cell) -> dict[str, Any]:
    """Return what the call that gave a value has said of itself."""
    return {} if cell.result is None else cell.result()


def each_of(value: Any, count: int, name: str) -> Sequence[Any]:
    """Return a value for each prompt: the same for all, or those of a list.

    Raises:
        ValueError: the list is of another length.
    """
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} has {len(value)} values for {count} prompts")
    return value
