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


def load_files(path_or_id: str | Path) -> ModelFiles:
    """Load tokenizer and chat template.

    Raises:
        ModelError: the files are missing or broken.
    """
    directory = resolve(str(path_or_id))
    try:
        tokenizer = Tokenizer.from_dir(directory)
        template = ChatTemplate.from_dir(directory, tokenizer)
    except ValueError as error:
        raise ModelError(str(error)) from error
    return ModelFiles(
        path_or_id=str(path_or_id), directory=directory, tokenizer=tokenizer, template=template
    )
