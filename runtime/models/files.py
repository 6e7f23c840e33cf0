"""What is known of a model without its weights and without torch: tokenizer and chat template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.hub import resolve
from sglc.runtime.tokenizer.conversations import CONVERSATIONS, Conversation, read_conversation
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.frontend_templates import get_chat_template, template_names
from sglc.runtime.tokenizer.template import ChatTemplate, template_source


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """``path_or_id`` is what was asked for; ``template`` is None for a model without roles."""

    path_or_id: str
    directory: Path
    tokenizer: Tokenizer
    template: ChatTemplate | None


def load_files(
    path_or_id: str | Path,
    tokenizer: str | Path | None = None,
    chat_template: str | None = None,
) -> ModelFiles:
    """Load tokenizer and chat template.

    ``tokenizer`` is where they are, if not where the model is. ``chat_template`` is a file of
    Jinja, a conversation as JSON, the name of one that is known (``CONVERSATIONS``, and those of
    the frontend but ``default``), or that of one of several that come with the tokenizer. Where
    what ends an answer of a conversation is a special token it ends every generation.

    Raises:
        ModelError: the files are missing or broken.
    """
    directory = resolve(str(path_or_id))
    source = directory if tokenizer is None else resolve(str(tokenizer))
    try:
        found = Tokenizer.from_dir(source)
        template = _template(source, found, chat_template)
    except (OSError, ValueError) as error:
        raise ModelError(str(error)) from error
    return ModelFiles(
        path_or_id=str(path_or_id), directory=directory, tokenizer=found, template=template
    )


def _template(directory: Path, tokenizer: Tokenizer, wanted: str | None) -> ChatTemplate | None:
    if wanted is None:
        return ChatTemplate.from_dir(directory, tokenizer)
    path = Path(wanted).expanduser()
    if wanted in CONVERSATIONS:
        return _of_conversation(CONVERSATIONS[wanted], tokenizer)
    if wanted in template_names() and wanted != "default":
        return _ending(get_chat_template(wanted).for_tokenizer(tokenizer, begins=True), tokenizer)
    if path.suffix == ".json":
        return _of_conversation(read_conversation(path), tokenizer)
    if path.suffix == ".jinja" or path.is_file():
        source = path.read_text(encoding="utf-8")
        try:
            return ChatTemplate.from_source(source, tokenizer, tokenizer.named)
        except ValueError as error:
            raise ModelError(f"{path}: {error}") from error
    if not _has_template(directory, wanted):
        known = ", ".join(dict.fromkeys((*CONVERSATIONS, *template_names()[1:])))
        raise ModelError(
            f"{directory}: has no chat template `{wanted}`; give a .jinja or .json file, or one of "
            + known
        )
    return ChatTemplate.from_dir(directory, tokenizer, wanted)


def _has_template(directory: Path, name: str) -> bool:
    try:
        return template_source(directory, name) is not None
    except ValueError:
        return False


def _of_conversation(conversation: Conversation, tokenizer: Tokenizer) -> ChatTemplate:
    template = ChatTemplate.from_source(conversation.jinja(), tokenizer, tokenizer.named)
    return _ending(replace(template, stop=conversation.stop), tokenizer)


def _ending(template: ChatTemplate, tokenizer: Tokenizer) -> ChatTemplate:
    """Return a template of which what ends an answer is no special token: those end any text."""
    specials = tokenizer.special_ids
    tokenizer.eos_ids |= {specials[text] for text in template.stop if text in specials}
    return replace(template, stop=tuple(t for t in template.stop if t not in specials))
