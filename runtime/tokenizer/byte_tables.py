"""From the strings of a vocabulary to the bytes that its tokens stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

Scheme = Literal["byte_level", "sentencepiece", "plain"]

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_META = "▁"


def _byte_level_alphabet() -> dict[str, int]:
    """The printable stand-ins for bytes of GPT-2's vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


_ALPHABET = _byte_level_alphabet()


def components(part: Any) -> Iterator[Mapping[str, Any]]:
    """Walk a part of tokenizer.json (normalizer, pre-tokenizer, decoder), sequences flattened."""
    if isinstance(part, dict):
        yield part
        for key in ("normalizers", "pretokenizers", "decoders"):
            for inner in part.get(key) or ():
                yield from components(inner)


def scheme_of(data: Mapping[str, Any]) -> Scheme:
    """Tell from tokenizer.json how token strings stand for bytes.

    Raises:
        ValueError: the scheme loses what it takes to give bytes back, as WordPiece does.
    """
    parts = [p for key in ("decoder", "pre_tokenizer") for p in components(data.get(key))]
    types = {p.get("type") for p in parts}
    if "ByteLevel" in types:
        return "byte_level"
    lossy = {"WordPiece", "BPEDecoder", "CTC"} & types
    if lossy or data.get("model", {}).get("type") == "WordPiece":
        name = sorted(map(str, lossy))[0] if lossy else "WordPiece"
        raise ValueError(f"tokenizers of the {name} kind are not supported: they lose spaces")
    replaces = any(
        p.get("type") == "Replace" and p.get("pattern", {}).get("String") == _META for p in parts
    )
    if "Metaspace" in types or "ByteFallback" in types or replaces:
        return "sentencepiece"
    return "plain"


def bytes_of(token: str, scheme: Scheme) -> bytes:
    """Return the bytes of one token of the trained vocabulary."""
    if scheme == "byte_level":
        if all(c in _ALPHABET for c in token):
            return bytes(_ALPHABET[c] for c in token)
        return token.encode()  # only tokens added by hand hold such characters
    if scheme == "sentencepiece":
        if match := _BYTE_TOKEN.fullmatch(token):
            return bytes([int(match[1], 16)])
        return token.replace(_META, " ").encode()
    return token.encode()
