"""How a model's chat template writes calls of tools: found out by rendering one and two of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.pieces import Cutter, text_of
from sglc.runtime.tokenizer.template import ChatTemplate

_TAG = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])")
_NAMES = ("qzprobea", "qzprobeb")
_IDS = ("qzid0000a", "qzid0000b")
_ARGUMENTS = {"qzkey": "qzvalue"}
_LAYOUTS = {"spaced": (", ", ": "), "compact": (",", ":")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """Calls are ``begin NAME middle ARGUMENTS (between NAME middle ARGUMENTS)* tail``.

    Attributes:
        special: the special token that comes before them, if the form begins with one.
        begin, middle, tail: texts, without special tokens.
        between: None where a form has special tokens there: then an answer has one call.
        layout: how arguments are written, as in ``SchemaOptions``.
        is_native: whether the template itself tells the model of the form.
    """

    special: str | None
    begin: str
    middle: str
    between: str | None
    tail: str
    layout: str
    is_native: bool = True

    @property
    def trigger(self) -> str:
        """The first text of a call: a tag if it has one."""
        found = _TAG.match(self.begin)
        return found[1] if found else self.begin.strip()

    @property
    def behind_trigger(self) -> str:
        """What is left of ``begin`` behind the trigger, or behind the special token."""
        if self.special is not None:
            return self.begin
        at = self.begin.index(self.trigger) + len(self.trigger)
        return self.begin[at:]

    @property
    def has_mark(self) -> bool:
        """Whether calls begin with what stands nowhere else, and so may follow other text."""
        return self.special is not None or _TAG.match(self.begin) is not None

    def text(self, calls: list[tuple[str, Any]]) -> str:
        """Return calls, each a name and arguments, as a model writes them."""
        comma, colon = _LAYOUTS[self.layout]
        texts = [
            name + self.middle + json.dumps(given, ensure_ascii=False, separators=(comma, colon))
            for name, given in calls
        ]
        return self.begin + (self.between or self.tail + self.begin).join(texts) + self.tail


OWN_FORM = CallForm(
    special=None,
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
    one, two = _written(template, 1), _written(template, 2)
    if one is None:
        return OWN_FORM
    for layout, (comma, colon) in _LAYOUTS.items():
        arguments = json.dumps(_ARGUMENTS, separators=(comma, colon))
        parts = _parts(one, arguments, 1)
        if parts is None:
            continue
        begin, middle, tail = parts
        pieces = cutter.cut(begin)
        special = pieces[0].name if pieces and isinstance(pieces[0], Special) else None
        begin = text_of(pieces[1:]) if special is not None else begin
        if any(isinstance(p, Special) for text in (begin, middle) for p in cutter.cut(text)):
            return OWN_FORM
        if special is None and not begin.strip():
            return OWN_FORM
        pair = None if two is None else _parts(two, arguments, 2)
        between = pair[2] if pair is not None and pair[:2] == parts[:2] else None
        if between is not None and any(isinstance(p, Special) for p in cutter.cut(between)):
            between = None
        return CallForm(
            special=special,
            begin=begin,
            middle=middle,
            between=between,
            tail="".join(p.text for p in cutter.cut(tail)[:1] if not isinstance(p, Special)),
            layout=layout,
        )
    return OWN_FORM


def _parts(text: str, arguments: str, count: int) -> tuple[str, str, str] | None:
    """Return what is before the first name, before arguments, and behind the first arguments: up
    to the second name where there are two calls."""
    pattern = "(?P<begin>.*?)" + re.escape(_NAMES[0]) + "(?P<middle>.*?)" + re.escape(arguments)
    if count == 2:
        pattern += "(?P<tail>.*?)" + re.escape(_NAMES[1]) + "(?P=middle)" + re.escape(arguments)
        pattern += ".*"
    else:
        pattern += "(?P<tail>.*)"
    found = re.fullmatch(pattern, text, re.DOTALL)
    return None if found is None else (found["begin"], found["middle"], found["tail"])


def _written(template: ChatTemplate, count: int) -> str | None:
    """Return what the template writes for a turn of ``count`` calls, None where it does not."""
    functions = [{"name": name, "arguments": _ARGUMENTS} for name in _NAMES[:count]]
    calls = [
        {"id": name, "type": "function", "function": function}
        for name, function in zip(_IDS, functions, strict=False)
    ]
    tools = [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": "",
                "parameters": {"type": "object", "properties": {}},
            },
        }
        for name in ("qztool",)
    ]
    user = {"role": "user", "content": "qzuser"}
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    # a turn that is not the last one is written as history
    answers = [{"role": "tool", "content": "qzanswer", "tool_call_id": i} for i in _IDS[:count]]
    variables = {"tools": tools}
    try:
        asked = template.render([user], add_generation_prompt=True, variables=variables)
        whole = template.render([user, turn], variables=variables)
    except ValueError:
        try:
            whole = template.render([user, turn, *answers], variables=variables)
        except ValueError:
            return None
        whole = whole.split("qzanswer", 1)[0]
    if not whole.startswith(asked):
        return None
    text = whole[len(asked) :]
    suffix = text_of(template.closing("assistant")) if "assistant" in template.roles else ""
    return text.removesuffix(suffix)
