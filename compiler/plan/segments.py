"""A prompt before it is tokens: text, special tokens and the borders of chat roles."""

from __future__ import annotations

from dataclasses import dataclass


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
