"""What turns text into tokens, kept in a recording: no model is needed to replay it."""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.files import load_files
from sglc.runtime.models.hub import EMBEDDED
from sglc.runtime.recording.recording import Recording, RecordingError
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "config.json",
)
_TEMPLATE: Final = "chat_template"


def encoder_data(encoder: PromptEncoder, model: str, directory: Path | None) -> dict[str, Any]:
    """Return an encoder as JSON; ``directory`` has the files that its tokenizer was read from.

    Of the embedded model nothing is kept but its name.

    Raises:
        ValueError: the tokenizer is of a kind that cannot be kept.
    """
    tokenizer = encoder.tokenizer
    data: dict[str, Any] = {"tokenizer": tokenizer.digest}
    if isinstance(tokenizer, ByteTokenizer):
        return {**data, "kind": "bytes"}
    if not isinstance(tokenizer, Tokenizer) or directory is None:
        raise ValueError(f"a recording cannot keep a {type(tokenizer).__name__}")
    if model == EMBEDDED:
        return {**data, "kind": EMBEDDED}
    template = encoder.template
    source = None if template is None or template.source is None else template.source.source
    found = {name: directory / name for name in _FILES if (directory / name).is_file()}
    files = {name: path.read_text(encoding="utf-8") for name, path in found.items()}
    return {
        **data,
        "kind": "files",
        "files": _packed(files),
        _TEMPLATE: source,
        "stop": () if template is None else template.stop,
        "eos_ids": sorted(tokenizer.eos_ids),
    }


def encoder_of(recording: Recording) -> PromptEncoder:
    """Return the encoder that a recording was made with.

    Raises:
        RecordingError: it is not there, or not what it was.
    """
    path, data = recording.path, recording.about["model"]
    try:
        encoder = _encoder(data)
    except (KeyError, TypeError, ValueError, ModelError, zlib.error) as error:
        raise RecordingError(f"{path}: its tokenizer cannot be read: {error}") from None
    if encoder.tokenizer.digest != data["tokenizer"]:
        raise RecordingError(
            f"{path}: recorded with another tokenizer than `{data['kind']}` is now: record it again"
        )
    return encoder


def _encoder(data: Mapping[str, Any]) -> PromptEncoder:
    kind = data["kind"]
    if kind == "bytes":
        return PromptEncoder(ByteTokenizer(), CHATML)
    if kind == EMBEDDED:
        found = load_files(EMBEDDED)
        return PromptEncoder(found.tokenizer, found.template)
    if kind != "files":
        raise ValueError(f"there is no kind {kind!r}")
    with tempfile.TemporaryDirectory(prefix="sglc-") as folder:
        for name, text in _unpacked(data["files"]).items():
            if name in _FILES:
                (Path(folder) / name).write_text(text, encoding="utf-8")
        tokenizer = Tokenizer.from_dir(folder)
    tokenizer.eos_ids = frozenset(data["eos_ids"])
    source = data[_TEMPLATE]
    if source is None:
        return PromptEncoder(tokenizer, None)
    template = ChatTemplate.from_source(source, tokenizer, tokenizer.named)
    return PromptEncoder(tokenizer, replace(template, stop=tuple(data["stop"])))


def _packed(files: Mapping[str, str]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(files).encode(), 9)).decode()


def _unpacked(text: str) -> dict[str, str]:
    files: dict[str, str] = json.loads(zlib.decompress(base64.b64decode(text)))
    return files
