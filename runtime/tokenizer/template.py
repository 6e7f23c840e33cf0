"""A chat template as data: what stands before and after a message of each role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.runtime.tokenizer.json_files import read_object
from sglc.runtime.tokenizer.pieces import Cutter, Piece, text_of

if TYPE_CHECKING:
    from sglc.runtime.tokenizer.base import TokenizerLike
    from sglc.runtime.tokenizer.files import Tokenizer
    from sglc.runtime.tokenizer.jinja import JinjaTemplate


@dataclass(frozen=True, slots=True)
class RolePieces:
    """What a template writes around the content of one role.

    Attributes:
        first_prefix: before it when it opens the conversation (with the begin token, and the
            default system prompt if the template has one).
        prefix: before it elsewhere.
        suffix: after it, when a conversation ends there.
        after: before it when the message ahead is of the role given; only where that is not
            ``prefix``, as in templates that write the system prompt into the first user message.
    """

    first_prefix: tuple[Piece, ...]
    prefix: tuple[Piece, ...]
    suffix: tuple[Piece, ...]
    after: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)

    def opening(self, ahead: str | None) -> tuple[Piece, ...]:
        """Return what stands before the content, given the role ahead (None: it is the first)."""
        return self.first_prefix if ahead is None else self.after.get(ahead, self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate:
    """The roles that a template knows, and how sure it is that turns can be put one by one.

    Attributes:
        roles: by name; a role that the template refuses is not there.
        generation: what asks for an answer of the assistant: opens its turn in a stream.
        default_system: the text that the template puts in when no system message is given.
        prefix_stable: rendering k messages is a prefix of rendering k + 1, and both are what the
            pieces give, for every order of roles tried. Otherwise it rewrites history.
        why_unstable: the roles of a conversation that shows it, or None.
        stop: texts that end an answer, besides the end-of-sequence tokens.
        begins: it writes the begin token of a conversation, where there is one.
        image_token: what stands in the text where a picture is.
    """

    roles: Mapping[str, RolePieces]
    generation: tuple[Piece, ...]
    default_system: str | None = None
    prefix_stable: bool = True
    why_unstable: tuple[str, ...] | None = None
    source: JinjaTemplate | None = None
    stop: tuple[str, ...] = ()
    begins: bool = True
    image_token: str = "<image>"

    @property
    def has_system_default(self) -> bool:
        """Whether a conversation without a system message gets one."""
        return self.default_system is not None

    def opening(self, role: str, ahead: str | None) -> tuple[Piece, ...]:
        """Return the pieces that begin a turn: for the assistant, the generation prompt.

        Raises:
            ValueError: the template does not know the role.
        """
        pieces = self._role(role)
        if role == "assistant" and ahead is not None:
            return self.generation
        return pieces.opening(ahead)

    def closing(self, role: str) -> tuple[Piece, ...]:
        """Return the pieces that end a turn.

        Raises:
            ValueError: the template does not know the role.
        """
        return self._role(role).suffix

    def _role(self, role: str) -> RolePieces:
        if role not in self.roles:
            known = ", ".join(sorted(self.roles))
            raise ValueError(f"the model's chat template has no role `{role}`; it has {known}")
        return self.roles[role]

    def reads(self, variable: str) -> bool:
        """Whether the template looks at a variable, such as ``tools``."""
        return self.source is not None and variable in self.source.reads

    def mentions(self, word: str) -> bool:
        """Whether a word, such as the name of a role, stands in the template."""
        return self.source is not None and word in self.source.source

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        add_generation_prompt: bool = False,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the whole conversation as the template itself writes it, given more variables.

        Raises:
            ValueError: the template refuses it.
        """
        if self.source is not None:
            return self.source.render(messages, add_generation_prompt, variables)
        parts, ahead = [], None
        for message in messages:
            pieces = self._role(message["role"])
            parts += [text_of(pieces.opening(ahead)), message["content"], text_of(pieces.suffix)]
            ahead = message["role"]
        return "".join(parts) + (text_of(self.generation) if add_generation_prompt else "")

    @classmethod
    def from_source(
        cls,
        source: str,
        tokenizer: TokenizerLike,
        names: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> ChatTemplate:
        """Compile and probe Jinja; ``names`` are strings for ``bos_token`` and the like.

        Raises:
            ValueError: it is not valid Jinja, or takes no message of any role.
        """
        from sglc.runtime.tokenizer.jinja import JinjaTemplate
        from sglc.runtime.tokenizer.probe import probe

        template = JinjaTemplate(source, names or {}, variables or {})
        return probe(template, Cutter(tokenizer.special_ids))

    @classmethod
    def from_dir(
        cls,
        path: str | Path,
        tokenizer: Tokenizer,
        name: str = "default",
        variables: Mapping[str, Any] | None = None,
    ) -> ChatTemplate | None:
        """Read a model's template, None where it has none.

        Raises:
            ValueError: it is broken, or there are templates but none of that name.
        """
        source = template_source(Path(path), name)
        if source is None:
            return None
        return cls.from_source(source, tokenizer, tokenizer.named, variables)


def template_source(directory: Path, name: str = "default") -> str | None:
    """Find a template's text: its own file, or an entry of tokenizer_config.json.

    Raises:
        ValueError: there are templates, but none of that name.
    """
    own = directory / "chat_template.jinja"
    if name != "default":
        own = directory / "additional_chat_templates" / f"{name}.jinja"
    if own.exists():
        return own.read_text(encoding="utf-8")
    for file in ("chat_template.json", "tokenizer_config.json"):
        found = read_object(directory / file).get("chat_template")
        if isinstance(found, str):
            if name == "default":
                return found
        elif isinstance(found, list):
            named = {entry["name"]: entry["template"] for entry in found}
            if name in named:
                return str(named[name])
            raise ValueError(
                f"{directory / file}: no chat template `{name}`; there are {', '.join(named)}"
            )
    if name != "default":
        raise ValueError(f"{directory}: no chat template `{name}`")
    return None
