"""ChatML as data, for models without files: renders and encodes with no Jinja at hand."""

from __future__ import annotations

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.tokenizer.template import ChatTemplate, RolePieces

_ROLES = ("user", "assistant", "system", "developer", "tool")
_END = (Special("<|im_end|>"), Text("\n"))


def _role(name: str) -> RolePieces:
    begin = (Special("<|im_start|>"), Text(f"{name}\n"))
    return RolePieces(begin, begin, _END)


CHATML = ChatTemplate(
    roles={name: _role(name) for name in _ROLES},
    generation=_role("assistant").prefix,
)
