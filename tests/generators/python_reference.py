"""What a Python program means: every op at once, from the whole prompt, one after another.

A state here knows nothing of fragments, cells, threads, caches or batches. Each model call encodes
the whole prompt from its beginning and asks the hash model for the logits of every prefix.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from generators.python_model import Lost, Model, Prompt

from sglc.backends.backend import Seam
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Text, messages_of
from sglc.errors import RunFailed, StateError
from sglc.program.expressions import Expr, Gen, Media, Select, parts, role
from sglc.program.expressions import RoleBegin as Begin
from sglc.program.expressions import RoleEnd as End
from sglc.program.functions import Function
from sglc.program.state import ProgramState
from sglc.runtime.executor.errors import RunError


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
            if value is None or isinstance(value, list) or isinstance(part, Select):
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
            case Gen() if (count := {**model.options, **part.options}["n"]) is not None:
                starts = [replace(prompt, lineage=prompt.lineage.child(i)) for i in range(count)]
                made = [model.gen(start, part) for start in starts]
                (text, _) = made[0][0].segments[-1]
                self._prompt = replace(prompt, lineage=prompt.lineage.child()).plus(text)
                value = [each for _, each, _ in made]
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
