"""Find out what a chat template writes around messages, by rendering sentinels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.jinja import JinjaTemplate, RefusedError
from sglc.runtime.tokenizer.pieces import Cutter, Piece, text_of
from sglc.runtime.tokenizer.template import ChatTemplate, RolePieces

_ROLES = ("user", "assistant", "system", "developer", "tool")
# Conversations that lead up to a message of a role; the first the template takes is used.
_LEADS: dict[str, tuple[tuple[str, ...], ...]] = {
    "user": (("user", "assistant"), ("user",), ("system", "user", "assistant")),
    "assistant": (("user",), ("system", "user"), ("user", "assistant", "user")),
    "system": (("user", "assistant"), ("user",), ("system",)),
    "developer": (("user", "assistant"), ("user",), ("developer",)),
    "tool": (("user", "assistant"), ("user",)),
}
_CONVERSATIONS = (
    ("user", "assistant", "user", "assistant", "user"),
    ("system", "user", "assistant", "user", "assistant"),
    ("user", "user", "assistant", "assistant"),
    ("assistant", "user", "assistant"),
    ("user", "assistant", "tool", "assistant"),
)


def _sentinel(index: int) -> str:
    """A content that no template writes itself, and that trimming leaves alone."""
    return f"\ue0a5probe{index}\ue0a6"


class _Probe:
    def __init__(self, template: JinjaTemplate) -> None:
        self._template = template
        self.suffixes: dict[str, str] = {}

    def raw(self, roles: Sequence[str], generation: bool = False) -> str | None:
        """Render sentinels; None where the template refuses."""
        messages = [{"role": r, "content": _sentinel(i)} for i, r in enumerate(roles)]
        try:
            return self._template.render(messages, generation)
        except RefusedError:
            return None

    def render(self, roles: Sequence[str]) -> str | None:
        """Render sentinels; None where the template refuses, or drops or moves one."""
        text = self.raw(roles)
        if text is None:
            return None
        places = [text.find(_sentinel(i)) for i in range(len(roles))]
        return text if -1 not in places and places == sorted(places) else None

    def gaps(self, roles: Sequence[str]) -> list[str] | None:
        """Return what stands before, between and after the sentinels."""
        rest = self.render(roles)
        if rest is None:
            return None
        found = []
        for i in range(len(roles)):
            gap, rest = rest.split(_sentinel(i), 1)
            found.append(gap)
        return [*found, rest]

    def suffix(self, role: str) -> str | None:
        """Return what ends a conversation after this role."""
        for lead in ((), *_LEADS[role]):
            gaps = self.gaps((*lead, role))
            if gaps is not None:
                return gaps[-1]
        if role == "system":  # written into the user's message: nothing of its own ends it
            gaps, alone = self.gaps(("system", "user")), self.gaps(("user",))
            return None if gaps is None or alone is None else gaps[1]
        return None

    def between(self, ahead: str, role: str, lead: tuple[str, ...]) -> str | None:
        """Return the prefix of ``role`` behind ``ahead``: the gap without the other's suffix."""
        gaps = self.gaps((*lead, role))
        if gaps is None or ahead not in self.suffixes:
            return None
        gap, suffix = gaps[-2], self.suffixes[ahead]
        return gap.removeprefix(suffix) if gap.startswith(suffix) else None


def probe(template: JinjaTemplate, cutter: Cutter) -> ChatTemplate:
    """Probe a template.

    Raises:
        ValueError: it takes no message of any role.
    """
    probing = _Probe(template)
    for role in _ROLES:
        if (suffix := probing.suffix(role)) is not None:
            probing.suffixes[role] = suffix
    roles = {r: p for r in probing.suffixes if (p := _role(probing, cutter, r)) is not None}
    if not roles:
        raise ValueError("chat template: takes no message of any role")
    asked, plain = probing.raw(("user",), True), probing.raw(("user",))
    generation: tuple[Piece, ...] = ()
    if asked is not None and plain is not None and asked.startswith(plain):
        generation = cutter.cut(asked[len(plain) :])
    if not generation and "assistant" in roles and text_of(roles["assistant"].prefix).strip():
        generation = roles["assistant"].prefix  # the template knows no generation prompt
    found = ChatTemplate(
        roles=roles,
        generation=generation,
        default_system=_default_system(roles),
        source=template,
    )
    unstable = _unstable(probing, found)
    return replace(found, prefix_stable=unstable is None, why_unstable=unstable)


def _role(probing: _Probe, cutter: Cutter, role: str) -> RolePieces | None:
    prefix: str | None = None
    for lead in _LEADS[role]:
        prefix = probing.between(lead[-1], role, lead)
        if prefix is not None:
            break
    opened = probing.gaps((role,)) or (probing.gaps((role, "user")) if role == "system" else None)
    if prefix is None and opened is None:
        return None
    first = opened[0] if opened is not None else prefix
    assert first is not None
    usual = prefix if prefix is not None else first
    after = {}
    for ahead in probing.suffixes:
        other = probing.between(ahead, role, (ahead,))
        if other is not None and other != usual:
            after[ahead] = cutter.cut(other)
    return RolePieces(
        cutter.cut(first), cutter.cut(usual), cutter.cut(probing.suffixes[role]), after
    )


def _default_system(roles: dict[str, RolePieces]) -> str | None:
    """Return what opens a conversation beyond the begin token and the user's own prefix."""
    user = roles.get("user")
    if user is None:
        return None
    first, usual = text_of(user.first_prefix), text_of(user.prefix)
    if not first.endswith(usual):
        return None
    extra = first.removesuffix(usual)
    system = roles.get("system")
    if system is not None:
        opening, closing = text_of(system.first_prefix), text_of(system.suffix)
        if opening and extra.startswith(opening) and extra.endswith(closing):
            return extra.removeprefix(opening).removesuffix(closing)
    is_bare = extra == "" or (
        len(user.first_prefix) > 0
        and isinstance(user.first_prefix[0], Special)
        and extra == user.first_prefix[0].name
    )
    return None if is_bare else extra


def _unstable(probing: _Probe, found: ChatTemplate) -> tuple[str, ...] | None:
    """Return the roles of a conversation that the pieces, or one message more, do not extend."""
    for conversation in _CONVERSATIONS:
        before = ""
        for k in range(1, len(conversation) + 1):
            roles = conversation[:k]
            text = probing.raw(roles)
            if roles == ("system",) and (text is None or _sentinel(0) not in text):
                continue  # written into the user's message, which is yet to come
            if text is None:
                break
            asked = probing.raw(roles, True)
            if not text.startswith(before) or _assembled(found, roles) != text:
                return roles
            if asked is not None and asked not in (text, text + text_of(found.generation)):
                return (*roles, "assistant")
            before = text
    return None


def _assembled(found: ChatTemplate, roles: Sequence[str]) -> str | None:
    """Put a conversation together from the pieces, as the template writes it."""
    parts, ahead = [], None
    for i, role in enumerate(roles):
        pieces = found.roles.get(role)
        if pieces is None:
            return None
        parts += [text_of(pieces.opening(ahead)), _sentinel(i), text_of(pieces.suffix)]
        ahead = role
    return "".join(parts)
