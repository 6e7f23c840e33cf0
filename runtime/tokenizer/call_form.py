"""How a model's chat template writes calls of tools: found out by rendering one and two of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.tokenizer.pieces import Cutter, Piece, text_of
from sglc.runtime.tokenizer.template import ChatTemplate

_TAG = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])")
_LAYOUTS = {"spaced": (", ", ": "), "compact": (",", ":")}
# What is rendered; no template writes it by itself, and ids are as long as some want them.
_NAMES = ("qzprobea", "qzprobeb")
_IDS = ("qzid0000a", "qzid0000b")
_ARGUMENTS = {"qzkey": "qzvalue"}
_ANSWER = "qzanswer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """Calls are ``opening begin NAME middle ARGUMENTS (between NAME middle ARGUMENTS)* tail``.

    Attributes:
        opening: what ends with a special token, and begins with one; or nothing.
        begin, middle, tail: texts, without special tokens.
        between: None where a form has special tokens there: then an answer has one call.
        layout: how arguments are written, as in ``SchemaOptions``.
        is_native: whether the template itself writes calls, and tells the model of tools.
        takes_text: whether the template takes arguments as JSON text.
    """

    opening: tuple[Piece, ...] = ()
    begin: str
    middle: str
    between: str | None
    tail: str
    layout: str
    is_native: bool = True
    takes_text: bool = False

    @property
    def special(self) -> str | None:
        """The special token that no text but a call has, if there is one."""
        first = self.opening[0] if self.opening else None
        return first.name if isinstance(first, Special) else None

    @property
    def trigger(self) -> str:
        """The first text of a call: a tag if it begins with one."""
        found = _TAG.match(self.begin)
        return found[1] if found else self.begin.strip()

    @property
    def behind_trigger(self) -> str:
        """What is left of ``begin`` behind the trigger, or behind the special tokens."""
        if self.opening:
            return self.begin
        at = self.begin.index(self.trigger) + len(self.trigger)
        return self.begin[at:]

    @property
    def has_mark(self) -> bool:
        """Whether calls begin with what stands nowhere else, and so may follow other text."""
        return bool(self.opening) or _TAG.match(self.begin) is not None

    def text(self, calls: Sequence[tuple[str, Any]]) -> str:
        """Return calls, each a name and arguments, as a model writes them."""
        comma, colon = _LAYOUTS[self.layout]
        texts = [
            name + self.middle + json.dumps(given, ensure_ascii=False, separators=(comma, colon))
            for name, given in calls
        ]
        between = self.tail + self.begin if self.between is None else self.between
        return text_of(self.opening) + self.begin + between.join(texts) + self.tail


OWN_FORM = CallForm(
    begin='<tool_call>\n{"name": "',
    middle='", "arguments": ',
    between='}\n</tool_call>\n<tool_call>\n{"name": "',
    tail="}\n</tool_call>",
    layout="spaced",
    is_native=False,
)
"""The form that is explained to models whose template has none that is understood here."""


def call_form(template: ChatTemplate, cutter: Cutter) -> CallForm:
    """Return the form of a template, or ``OWN_FORM``."""
    if not template.reads("tools"):
        return OWN_FORM
    for takes_text in (False, True):
        one = _written(template, 1, takes_text)
        two = _written(template, 2, takes_text)
        for layout, (comma, colon) in _LAYOUTS.items():
            arguments = json.dumps(_ARGUMENTS, separators=(comma, colon))
            found = None if one is None else _form(one, two, arguments, layout, cutter)
            if found is not None:
                return replace(found, takes_text=takes_text)
    return OWN_FORM


def _form(
    one: str, two: str | None, arguments: str, layout: str, cutter: Cutter
) -> CallForm | None:
    parts = _parts(one, arguments)
    if parts is None:
        return None
    begin, middle, tail = parts
    pieces = cutter.cut(begin)
    last = max((i for i, p in enumerate(pieces) if isinstance(p, Special)), default=-1)
    opening, begin = pieces[: last + 1], text_of(pieces[last + 1 :])
    if opening and isinstance(opening[0], Text):
        if opening[0].text.strip():
            return None
        opening = opening[1:]
    if _has_special(cutter, middle) or not (opening or begin.strip()):
        return None
    pair = None if two is None else _parts(two, arguments, is_pair=True)
    between = pair[2] if pair is not None and pair[:2] == parts[:2] else None
    return CallForm(
        opening=opening,
        begin=begin,
        middle=middle,
        between=None if between is None or _has_special(cutter, between) else between,
        tail="".join(p.text for p in cutter.cut(tail)[:1] if isinstance(p, Text)),
        layout=layout,
    )


def _has_special(cutter: Cutter, text: str) -> bool:
    return any(isinstance(piece, Special) for piece in cutter.cut(text))


def _parts(text: str, arguments: str, *, is_pair: bool = False) -> tuple[str, str, str] | None:
    """Return what is before the first name, before its arguments, and behind these: up to the
    second name in a pair."""
    pattern = f"(.*?){_NAMES[0]}(?P<middle>.*?){re.escape(arguments)}(.*)"
    if is_pair:
        pattern += f"{_NAMES[1]}(?P=middle){re.escape(arguments)}.*"
    found = re.fullmatch(pattern, text, re.DOTALL)
    return None if found is None else (found[1], found["middle"], found[3])


def _written(template: ChatTemplate, count: int, takes_text: bool) -> str | None:
    """Return what the template writes for a turn of ``count`` calls, None where it does not."""
    given: Any = json.dumps(_ARGUMENTS) if takes_text else _ARGUMENTS
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}
        for name, call_id in zip(_NAMES[:count], _IDS[:count], strict=True)
    ]
    schema = {"type": "object", "properties": {}}
    tool = {"name": "qztool", "description": "", "parameters": schema}
    variables = {"tools": [{"type": "function", "function": tool}]}
    said: list[dict[str, Any]] = [{"role": "user", "content": "qzuser"}]
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    answers = [
        {"role": "tool", "content": _ANSWER, "tool_call_id": call_id, "name": name}
        for name, call_id in zip(_NAMES[:count], _IDS[:count], strict=True)
    ]
    try:
        asked = template.render(said, add_generation_prompt=True, variables=variables)
    except ValueError:
        return None
    # a last turn may be given thoughts that it does not have; some take no answers, or need them
    for more in ([turn, *answers], [turn]):
        try:
            whole = template.render([*said, *more], variables=variables)
        except ValueError:
            continue
        if whole.startswith(asked):
            suffix = template.roles["assistant"].suffix if "assistant" in template.roles else ()
            return whole[len(asked) :].split(_ANSWER, 1)[0].removesuffix(text_of(suffix))
    return None
