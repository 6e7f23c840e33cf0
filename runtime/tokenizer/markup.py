"""What a chat template writes around messages, told ahead of a run."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.pieces import Piece
from sglc.runtime.tokenizer.template import ChatTemplate


class TemplateMarkup:
    """Implements the compiler's Markup; ``of`` tells whether a template can be relied on."""

    def __init__(self, tokenizer: TokenizerLike, template: ChatTemplate) -> None:
        self._begins = bool(tokenizer.bos_ids)
        self._bos_name = bos_name(tokenizer)
        self._template = template

    @classmethod
    def of(cls, tokenizer: TokenizerLike, template: ChatTemplate | None) -> TemplateMarkup | None:
        """Return the markup; None where there is none, or the template rewrites history."""
        if template is None or not template.prefix_stable:
            return None
        return cls(tokenizer, template)

    def opening(self, role: str, ahead: str | None, *, has_begun: bool) -> tuple[str, ...] | None:
        """Return texts and special tokens in turn; None for an unknown role, or where the stream
        would get another begin token than with the role itself."""
        try:
            pieces = opened(self._template, self._bos_name, role, ahead, has_begun=has_begun)
        except ValueError:
            return None
        is_own = bool(pieces) and pieces[0] == Special(self._bos_name or "")
        if not has_begun and (not pieces or (self._begins and not is_own)):
            return None
        return alternate(pieces)

    def closing(self, role: str) -> tuple[str, ...] | None:
        """Return texts and special tokens in turn; None for an unknown role."""
        try:
            return alternate(self._template.closing(role))
        except ValueError:
            return None


def bos_name(tokenizer: TokenizerLike) -> str | None:
    """Return the name of the special token that begins texts, if one does."""
    bos = tokenizer.bos_ids[0] if tokenizer.bos_ids else None
    return next((name for name, i in tokenizer.special_ids.items() if i == bos), None)


def opened(
    template: ChatTemplate, bos: str | None, role: str, ahead: str | None, *, has_begun: bool
) -> Sequence[Piece]:
    """Return what opens a message; a begin token only where the stream begins.

    Raises:
        ValueError: the template does not know the role.
    """
    pieces = template.opening(role, ahead)
    if has_begun and ahead is None and pieces and pieces[0] == Special(bos or ""):
        return pieces[1:]
    return pieces


def alternate(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return texts and names of special tokens in turn, a text first."""
    parts = [""]
    for piece in pieces:
        if isinstance(piece, Special):
            parts += (piece.name, "")
        else:
            parts[-1] += piece.text
    return tuple(parts)
