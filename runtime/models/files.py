"""What is known of a model without its weights and without torch: tokenizer and chat template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.hub import resolve
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.template import ChatTemplate


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
    Jinja, or the name of one of several that come with the tokenizer.

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
    if path.suffix == ".json":
        raise ModelError(f"{path}: chat templates are read as Jinja; write it as a .jinja file")
    if path.suffix or path.is_file():
        source = path.read_text(encoding="utf-8")
        try:
            return ChatTemplate.from_source(source, tokenizer, tokenizer.named)
        except ValueError as error:
            raise ModelError(f"{path}: {error}") from error
    template = ChatTemplate.from_dir(directory, tokenizer, wanted)
    if template is None:
        raise ModelError(f"{directory}: has no chat template `{wanted}`; give a .jinja file")
    return template
