"""Chat templates as SGLang's frontend has them: what stands around a message, as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.markup import bos_name
from sglc.runtime.tokenizer.pieces import Cutter, Piece
from sglc.runtime.tokenizer.template import ChatTemplate, RolePieces


class ChatTemplateStyle(Enum):
    """Whether turns stand one by one, or a system message is part of the first user message."""

    PLAIN = auto()
    LLAMA2 = auto()


@dataclass(frozen=True, kw_only=True)
class FrontendTemplate:
    """A template by the names that SGLang gives its parts.

    Attributes:
        default_system_prompt: the system message of a conversation that has none; None for none.
        role_prefix_and_suffix: what stands before and behind the content, by role.
        stop_str: texts that end every generation, besides those that are asked for.
        image_token: what stands in the text where an image or a video is.
    """

    name: str
    default_system_prompt: str | None
    role_prefix_and_suffix: Mapping[str, tuple[str, str]]
    stop_str: Sequence[str] = field(default=())
    image_token: str = "<image>"
    style: ChatTemplateStyle = ChatTemplateStyle.PLAIN

    def get_prefix_and_suffix(
        self, role: str, hist_messages: Sequence[Mapping[str, Any]]
    ) -> tuple[str, str]:
        """Return what stands around a message behind others; nothing for a role it has not."""
        prefix, suffix = self.role_prefix_and_suffix.get(role, ("", ""))
        if self.style is ChatTemplateStyle.LLAMA2:
            if role == "system" and not hist_messages:
                return self.role_prefix_and_suffix.get("user", ("", ""))[0] + prefix, suffix
            if role == "user" and len(hist_messages) == 1 and _has_content(hist_messages[0]):
                return "", suffix
        return prefix, suffix

    def get_prompt(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return a conversation as text; a system message without content is the default one."""
        parts: list[str] = []
        for number, message in enumerate(messages):
            content = message["content"]
            if content is None and message["role"] == "system":
                content = self.default_system_prompt
                if content is None:
                    continue
            prefix, suffix = self.get_prefix_and_suffix(message["role"], messages[:number])
            parts += (prefix, str(content), suffix)
        return "".join(parts)

    def as_text(self) -> ChatTemplate:
        """Return it for a server that is sent text."""
        return self._made(Cutter(()))

    def for_tokenizer(self, tokenizer: TokenizerLike, *, begins: bool = False) -> ChatTemplate:
        """Return it for a model: names of special tokens are those tokens.

        If it ``begins``, it writes the begin token before a conversation itself.
        """
        bos = bos_name(tokenizer) if begins else None
        begin = () if bos is None else (Special(bos),)
        return self._made(Cutter(tokenizer.special_ids), begin, begins=begins)

    def _made(
        self, cutter: Cutter, begin: tuple[Piece, ...] = (), *, begins: bool = False
    ) -> ChatTemplate:
        roles: dict[str, RolePieces] = {}
        for role, (prefix, suffix) in self.role_prefix_and_suffix.items():
            first = self.get_prefix_and_suffix(role, ())[0]
            if role != "system" and self.default_system_prompt:
                system = {"role": "system", "content": self.default_system_prompt}
                first = self.get_prompt([system]) + self.get_prefix_and_suffix(role, [system])[0]
            behind_system = self.get_prefix_and_suffix(role, [_SYSTEM])[0]
            pieces = cutter.cut(first)
            roles[role] = RolePieces(
                first_prefix=pieces if pieces[:1] == begin else (*begin, *pieces),
                prefix=cutter.cut(prefix),
                suffix=cutter.cut(suffix),
                after={} if behind_system == prefix else {"system": cutter.cut(behind_system)},
            )
        asking = self.role_prefix_and_suffix.get("assistant", ("", ""))[0]
        return ChatTemplate(
            roles=roles,
            generation=cutter.cut(asking),
            default_system=self.default_system_prompt,
            stop=tuple(self.stop_str),
            begins=begins,
            image_token=self.image_token,
        )


_SYSTEM = {"role": "system", "content": ""}


def _has_content(message: Mapping[str, Any]) -> bool:
    return message["content"] is not None
