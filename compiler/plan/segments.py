"""A prompt before it is tokens: text, special tokens and the borders of chat roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text; special tokens in it are not recognised."""

    text: str


@dataclass(frozen=True, slots=True)
class Special:
    """One special token by its name, such as ``<|im_end|>``."""

    name: str


@dataclass(frozen=True, weakref_slot=True, slots=True)
class Media(Special):
    """A picture or video: one token of a backend that takes such. ``name`` is that of the token.

    ``url`` is where it is, ``data:`` addresses included; ``shown`` is what stands for it in the
    text of the prompt.
    """

    kind: Literal["image", "video"]
    url: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class RoleBegin:
    """The turn of ``role`` begins here."""

    role: str


@dataclass(frozen=True, slots=True)
class RoleEnd:
    """The turn of ``role`` ends here."""

    role: str


Segment = Text | Special | RoleBegin | RoleEnd


def alternating(parts: Sequence[str]) -> list[Text | Special]:
    """Return texts and names of special tokens in turn, a text first, as segments."""
    found = [Special(part) if i % 2 else Text(part) for i, part in enumerate(parts)]
    return [piece for piece in found if piece != Text("")]


def messages_of(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """Return ``{role, content}`` of every message, the open one included.

    Content is text, or where there are pictures a list of parts, as OpenAI's clients write it.
    Text outside of messages is left out.
    """
    found: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    is_open = False
    for segment in segments:
        if isinstance(segment, RoleBegin):
            parts = []
            found.append({"role": segment.role, "content": ""})
            is_open = True
        elif isinstance(segment, RoleEnd):
            is_open = False
        elif is_open and isinstance(segment, Media):
            kind = f"{segment.kind}_url"
            parts.append({"type": kind, kind: {"url": segment.url}})
            found[-1]["content"] = parts
        elif is_open:
            piece = segment.text if isinstance(segment, Text) else segment.name
            if not parts or parts[-1]["type"] != "text":
                parts.append({"type": "text", "text": ""})
            parts[-1]["text"] += piece
            if len(parts) == 1:
                found[-1]["content"] = parts[0]["text"]
    return found


_KINDS: dict[str, type[Text | Special | RoleBegin | RoleEnd]] = {
    "text": Text,
    "special": Special,
    "begin": RoleBegin,
    "end": RoleEnd,
}


def to_words(segments: Iterable[Segment]) -> tuple[str, ...]:
    """Return segments as ``kind, content, kind, content, …``, as hints write them."""
    names = {made: name for name, made in _KINDS.items()}
    words: list[str] = []
    for segment in segments:
        content = segment.text if isinstance(segment, Text) else None
        if isinstance(segment, Special):
            content = segment.name
        elif isinstance(segment, RoleBegin | RoleEnd):
            content = segment.role
        words += (names[type(segment)], content or "")
    return tuple(words)


def from_words(words: Sequence[str]) -> tuple[Segment, ...]:
    """Return the segments that ``to_words`` was given.

    Raises:
        ValueError: a kind is unknown, or the last content is missing.
    """
    if len(words) % 2 or not all(kind in _KINDS for kind in words[::2]):
        raise ValueError(f"no segments: {list(words)!r} (kinds: {', '.join(_KINDS)})")
    return tuple(
        _KINDS[kind](content) for kind, content in zip(words[::2], words[1::2], strict=True)
    )
