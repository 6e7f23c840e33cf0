"""A prompt before it is tokens: text, special tokens and the borders of chat roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text; special tokens in it are not recognised."""

    text: str


@dataclass(frozen=True, slots=True)
class Special:
    """One special token by its name, such as ``<|im_end|>``."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleBegin:
    """The turn of ``role`` begins here."""

    role: str


@dataclass(frozen=True, slots=True)
class RoleEnd:
    """The turn of ``role`` ends here."""

    role: str


Segment = Text | Special | RoleBegin | RoleEnd


def messages_of(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """Return ``{role, content}`` of every message, the open one included.

    Text outside of messages is left out.
    """
    found: list[dict[str, Any]] = []
    is_open = False
    for segment in segments:
        if isinstance(segment, RoleBegin):
            found.append({"role": segment.role, "content": ""})
            is_open = True
        elif isinstance(segment, RoleEnd):
            is_open = False
        elif is_open:
            piece = segment.text if isinstance(segment, Text) else segment.name
            found[-1]["content"] += piece
    return found
