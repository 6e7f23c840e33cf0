"""What turns text into tokens, kept in a recording: no model is needed to replay it."""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sglc.runtime.executor.stream import Encoder
from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.hub import EMBEDDED, resolve
from sglc.runtime.recording.recording import Recording, RecordingError
from sglc.runtime.recording.templates import template_data, template_from
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "config.json",
)


def encoder_data(encoder: Encoder) -> dict[str, Any]:
    """Return an encoder as JSON.

    Of the embedded model nothing is kept but its name, of other tokenizers their files.

    Raises:
        RecordingError: the tokenizer is of a kind that cannot be kept.
    """
    if not isinstance(encoder, PromptEncoder):
        raise RecordingError(f"a recording cannot keep a {type(encoder).__name__}")
    tokenizer, template = encoder.tokenizer, encoder.template
    data: dict[str, Any] = {"tokenizer": tokenizer.digest, "template": template_data(template)}
    if isinstance(tokenizer, ByteTokenizer):
        return {**data, "kind": "bytes"}
    if isinstance(tokenizer, RemoteTokenizer):
        return {**data, "kind": "remote"}
    directory = tokenizer.directory if isinstance(tokenizer, Tokenizer) else None
    if directory is None:
        raise RecordingError(f"a recording cannot keep a {type(tokenizer).__name__}")
    if directory == resolve(EMBEDDED):
        return {**data, "kind": EMBEDDED}
    found = {name: directory / name for name in _FILES if (directory / name).is_file()}
    files = {name: path.read_text(encoding="utf-8") for name, path in found.items()}
    return {
        **data,
        "kind": "files",
        "files": _packed(files),
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
    tokenizer: TokenizerLike
    if kind == "bytes":
        tokenizer = ByteTokenizer()
    elif kind == "remote":
        tokenizer = RemoteTokenizer()
    elif kind == EMBEDDED:
        tokenizer = Tokenizer.from_dir(resolve(EMBEDDED))
    elif kind == "files":
        with tempfile.TemporaryDirectory(prefix="sglc-") as folder:
            for name, text in _unpacked(data["files"]).items():
                if name in _FILES:
                    (Path(folder) / name).write_text(text, encoding="utf-8")
            read = Tokenizer.from_dir(folder)
        read.eos_ids = frozenset(data["eos_ids"])
        tokenizer = read
    else:
        raise ValueError(f"there is no kind {kind!r}")
    return PromptEncoder(tokenizer, template_from(data["template"], tokenizer))


def _packed(files: Mapping[str, str]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(files).encode(), 9)).decode()


def _unpacked(text: str) -> dict[str, str]:
    files: dict[str, str] = json.loads(zlib.decompress(base64.b64decode(text)))
    return files
