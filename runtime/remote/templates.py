"""What stands around messages in a prompt that is sent as text, or as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.remote.tokenizer import END, ROLES, role_token
from sglc.runtime.tokenizer.template import ChatTemplate, RolePieces


def text_template(roles: Mapping[str, tuple[str, str]], stop: tuple[str, ...] = ()) -> ChatTemplate:
    """Return a template of plain text: what stands before and after a message of each role.

    ``stop``: texts that end an answer.
    """
    made = {}
    for role, (before, after) in roles.items():
        opening = (Text(before),) if before else ()
        made[role] = RolePieces(opening, opening, (Text(after),) if after else ())
    generation = made["assistant"].prefix if "assistant" in made else ()
    return ChatTemplate(roles=made, generation=generation, stop=stop)


def _chatml(role: str) -> tuple[str, str]:
    return f"<|im_start|>{role}\n", "<|im_end|>\n"


TEXT_CHATML: Final = text_template({role: _chatml(role) for role in ROLES}, ("<|im_end|>",))


def _message(role: str) -> RolePieces:
    begin = (Special(role_token(role)),)
    return RolePieces(begin, begin, (Special(END),))


MESSAGES: Final = ChatTemplate(
    roles={role: _message(role) for role in ROLES}, generation=_message("assistant").prefix
)
