"""What stands around messages in a prompt that is sent as text, or as messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.remote.tokenizer import END, ROLES, role_token
from sglc.runtime.tokenizer.frontend_template import FrontendTemplate
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


def messages(default_system: str | None = None) -> ChatTemplate:
    """Return the template of a server that takes messages.

    ``default_system``: the system message of a conversation that begins with none.
    """
    system = Special(role_token("system"))
    put_in = (system, Text(default_system), Special(END)) if default_system else ()
    roles = {}
    for role in ROLES:
        begin = (Special(role_token(role)),)
        first = begin if role == "system" else (*put_in, *begin)
        roles[role] = RolePieces(first, begin, (Special(END),))
    return ChatTemplate(
        roles=roles, generation=roles["assistant"].prefix, default_system=default_system
    )


MESSAGES: Final = messages()


def shown_as(template: FrontendTemplate) -> ChatTemplate:
    """Return how a template shows messages that are not sent as text: any role, some as nothing."""
    made = template.as_text()
    nothing = {role: RolePieces((), (), ()) for role in ROLES}
    return replace(made, roles=nothing | dict(made.roles))
