"""Calls of tools that a model is held to: what it may write, and what its text says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sglc.constraints import types
from sglc.runtime.tokenizer.call_form import CallForm

MAX_CALLS = 32  # of one answer


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that may be called; ``schema`` is the JSON Schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calling:
    """The tools of a request, and whether one has to be called.

    ``is_forced``: an answer is a call. Otherwise the model chooses between text and a call.
    ``num_calls`` is the most that one answer may hold.
    """

    form: CallForm
    tools: Sequence[Tool]
    is_forced: bool = False
    num_calls: int = MAX_CALLS

    def first(self, begin: str) -> types.Type:
        """Return what a call is, of whose form ``begin`` is still to be written."""
        options = tuple(
            types.Concat(
                (types.Literal(begin + tool.name + self.form.middle), self._arguments(tool))
            )
            for tool in self.tools
        )
        return options[0] if len(options) == 1 else types.Union(options)

    def more(self) -> types.Type | None:
        """Return what may stand behind a call: the end, or another one; None for the end only."""
        if self.form.between is None:
            return None
        return types.Union((types.Literal(self.form.tail), self.first(self.form.between)))

    def _arguments(self, tool: Tool) -> types.Type:
        return types.Schema(json.dumps(tool.schema), layout=self.form.layout)


@dataclass(frozen=True, slots=True)
class Called:
    """A call begins."""

    name: str


@dataclass(frozen=True, slots=True)
class Argued:
    """More of the arguments of the call that has begun."""

    text: str


@dataclass(slots=True)
class CallReader:
    """Reads what was written for ``Calling.first`` or ``more``, piece by piece.

    ``kind`` says what it is, as soon as that is certain: a call of ``tools``, or other text.
    """

    calling: Calling
    begin: str
    kind: Literal["open", "call", "text"] = "open"
    _text: str = ""
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        middle = self.calling.form.middle
        self._names = {self.begin + t.name + middle: t.name for t in self.calling.tools}

    def read(self, text: str) -> list[Called | Argued | str]:
        """Return what more text says; a plain text is no part of a call."""
        if self.kind == "call":
            return [Argued(text)] if text else []
        if self.kind == "text":
            return [text] if text else []
        self._text += text
        for start, name in self._names.items():
            if self._text.startswith(start):
                self.kind = "call"
                rest = self._text[len(start) :]
                return [Called(name), *([Argued(rest)] if rest else [])]
        if any(start.startswith(self._text) for start in self._names):
            return []
        return self.finish()

    def finish(self) -> list[Called | Argued | str]:
        """Return what is left when nothing more comes."""
        if self.kind != "open":
            return []
        self.kind = "text"
        return [self._text] if self._text else []
