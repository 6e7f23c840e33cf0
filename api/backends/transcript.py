"""Messages of a prompt as SGLang tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sglc.compiler.plan.segments import Segment
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate


def transcript(
    segments: Sequence[Segment], template: FrontendTemplate | None
) -> list[dict[str, Any]]:
    """Return ``{role, content}`` of every message that has ended.

    The system message that the template puts in is one of them. Content begins with no blanks.
    With pictures it is a list of parts: the text of the message, then the pictures.
    """
    from sglc.compiler.plan.segments import Media, RoleBegin, RoleEnd, Text

    found: list[dict[str, Any]] = []
    role: str | None = None
    texts: list[str] = []
    pictures: list[Media] = []
    for segment in segments:
        if isinstance(segment, RoleBegin):
            default = None if template is None else template.default_system_prompt
            if not found and segment.role != "system" and default:
                found.append({"role": "system", "content": default.lstrip()})
            role, texts, pictures = segment.role, [], []
        elif isinstance(segment, RoleEnd):
            if role is not None:
                found.append({"role": role, "content": _content("".join(texts), pictures)})
            role = None
        elif isinstance(segment, Media):
            texts.append(segment.shown)
            pictures.append(segment)
        elif isinstance(segment, Text):
            texts.append(segment.text)
        else:
            texts.append(segment.name)
    return found


def _content(text: str, pictures: Sequence[Any]) -> Any:
    text = text.lstrip()
    if not pictures:
        return text
    return [
        {"type": "text", "text": text},
        *({"type": "image_url", "image_url": {"url": each.url}} for each in pictures),
    ]
