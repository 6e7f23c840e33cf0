"""Chat templates as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sglc.compiler.plan.segments import Special, Text, from_words, to_words
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.pieces import Piece
from sglc.runtime.tokenizer.template import ChatTemplate, RolePieces

Data = dict[str, Any]


def template_data(template: ChatTemplate | None) -> Data | None:
    """Return a template as JSON: its Jinja, or what it writes around messages."""
    if template is None:
        return None
    if template.source is not None:
        return {"jinja": template.source.source, "stop": template.stop}
    return {
        "roles": {name: _role_data(pieces) for name, pieces in template.roles.items()},
        "generation": to_words(template.generation),
        "default_system": template.default_system,
        "stop": template.stop,
        "begins": template.begins,
        "image_token": template.image_token,
    }


def template_from(data: Mapping[str, Any] | None, tokenizer: TokenizerLike) -> ChatTemplate | None:
    """Return the template that ``template_data`` was given.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    if data is None:
        return None
    stop = tuple(data["stop"])
    if "jinja" in data:
        names = tokenizer.named if isinstance(tokenizer, Tokenizer) else {}
        return replace(ChatTemplate.from_source(data["jinja"], tokenizer, names), stop=stop)
    return ChatTemplate(
        roles={name: _role_from(pieces) for name, pieces in data["roles"].items()},
        generation=_pieces(data["generation"]),
        default_system=data["default_system"],
        stop=stop,
        begins=bool(data["begins"]),
        image_token=str(data["image_token"]),
    )


def _role_data(pieces: RolePieces) -> Data:
    return {
        "first_prefix": to_words(pieces.first_prefix),
        "prefix": to_words(pieces.prefix),
        "suffix": to_words(pieces.suffix),
        "after": {role: to_words(found) for role, found in pieces.after.items()},
    }


def _role_from(data: Mapping[str, Any]) -> RolePieces:
    return RolePieces(
        _pieces(data["first_prefix"]),
        _pieces(data["prefix"]),
        _pieces(data["suffix"]),
        {role: _pieces(words) for role, words in data["after"].items()},
    )


def _pieces(words: Sequence[str]) -> tuple[Piece, ...]:
    found = from_words(words)
    if not all(isinstance(piece, Text | Special) for piece in found):
        raise ValueError("a template is made of texts and special tokens")
    return tuple(piece for piece in found if isinstance(piece, Text | Special))
