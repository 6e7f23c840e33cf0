"""A conversation as its chat template writes it; only the template's own words are special.

Whatever a message holds stays text: names of special tokens in it are hidden from the template and
from what cuts its result, and put back behind that. A template still sees text: what it trims,
splits or writes as JSON is what it would have been.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sglc.compiler.plan.segments import Text
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.call_form import call_form
from sglc.runtime.tokenizer.encoded import Encoded, OpenText
from sglc.runtime.tokenizer.pieces import Cutter, Piece
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

_MARK = "\U000f0000"  # of the private use area; where a text has it, it is hidden like a name
_FIRST = 0xF0001


class Disguise:
    """Texts in which no special token of a tokenizer can be found, and the way back.

    A name, or a part of one at the begin or the end of a text where another text might complete
    it, is written as two characters that no name has.
    """

    def __init__(self, specials: Iterable[str]) -> None:
        names = sorted((n for n in specials if n), key=lambda n: (-len(n), n))
        self._heads = {n[i:] for n in names for i in range(1, len(n)) if not n[i:].isspace()}
        self._tails = {n[:i] for n in names for i in range(1, len(n)) if not n[:i].isspace()}
        self._longest = len(names[0]) if names else 0
        self._parts = [_MARK, *dict.fromkeys((*names, *sorted(self._heads | self._tails)))]
        self._places = {part: i for i, part in enumerate(self._parts)}
        self._whole = re.compile("|".join(map(re.escape, [*names, _MARK])))

    def hide(self, value: Any) -> Any:
        """Return a text, or the texts and keys of JSON data, without names."""
        if isinstance(value, str):
            return self._hidden(value)
        if isinstance(value, Mapping):
            return {self.hide(key): self.hide(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(each) for each in value]
        return value

    def reveal(self, text: str) -> str:
        """Return the text as it was."""
        return _HIDDEN.sub(lambda found: self._parts[ord(found[0][1]) - _FIRST], text)

    def _hidden(self, text: str) -> str:
        text = self._whole.sub(lambda found: self._written(found[0]), text)
        lengths = range(min(self._longest, len(text)), 0, -1)
        tail = next((text[-n:] for n in lengths if text[-n:] in self._tails), "")
        if tail:
            text = text[: -len(tail)] + self._written(tail)
        head = next((text[:n] for n in lengths if text[:n] in self._heads), "")
        return self._written(head) + text[len(head) :] if head else text

    def _written(self, part: str) -> str:
        return _MARK + chr(_FIRST + self._places[part])


_HIDDEN = re.compile(f"{_MARK}(.)", re.DOTALL)


class Conversations:
    """Writes conversations with one template, for one tokenizer.

    ``call_form`` is how an assistant calls tools in them.
    """

    def __init__(self, tokenizer: TokenizerLike, template: ChatTemplate) -> None:
        self.template = template
        self.call_form = call_form(template, Cutter(tokenizer.special_ids))
        self._cutter = Cutter(tokenizer.special_ids)
        self._disguise = Disguise(tokenizer.special_ids)

    def pieces(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        variables: Mapping[str, Any] | None = None,
        asks: bool = True,
    ) -> tuple[Piece, ...]:
        """Return a conversation, and with ``asks`` what begins an answer of the assistant.

        ``tools`` and ``variables`` are for the template.

        Raises:
            ValueError: the template refuses it.
        """
        hidden = [
            {key: each if key == "role" else self._disguise.hide(each) for key, each in m.items()}
            for m in messages
        ]
        more = dict(self._disguise.hide(dict(variables or {})))
        if tools:
            more["tools"] = self._disguise.hide(list(tools))
        text = self.template.render(hidden, add_generation_prompt=asks, variables=more)
        return self.cut(text)

    def cut(self, text: str) -> tuple[Piece, ...]:
        """Cut what a template wrote."""
        return tuple(
            Text(self._disguise.reveal(piece.text)) if isinstance(piece, Text) else piece
            for piece in self._cutter.cut(text)
        )


def encode_conversation(encoder: PromptEncoder, pieces: Sequence[Piece]) -> Encoded:
    """Return what a template wrote as ids: a begin token only where it wrote one."""
    return encoder.extend(Encoded(None, (), OpenText("", (), continues=False)), pieces)
