"""The JSON files that lie beside a tokenizer, and the special tokens that they name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token")


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """What a model directory says of its tokenizer, besides tokenizer.json.

    Attributes:
        named: token strings by role, ``bos_token`` and so on: what chat templates see.
        specials: all strings that the files call special.
        added: ids of tokens added after training, which tokenizer.json may lack, and whether
            each is special.
        eos_ids: from generation_config.json and config.json.
        settings: tokenizer_config.json itself.
    """

    named: Mapping[str, str]
    specials: tuple[str, ...]
    added: Mapping[int, tuple[str, bool]]
    eos_ids: frozenset[int]
    settings: Mapping[str, Any]


def read_files(directory: Path) -> TokenizerFiles:
    """Read the files that are there; none has to be.

    Raises:
        ValueError: one of them is not a JSON object.
    """
    settings = read_object(directory / "tokenizer_config.json")
    special_map = read_object(directory / "special_tokens_map.json")
    named = {}
    for role in _NAMED:
        content = _content(settings.get(role)) or _content(special_map.get(role))
        if content:
            named[role] = content
    specials = set(named.values())
    for source in (settings, special_map):
        for key in ("additional_special_tokens", "extra_special_tokens"):
            listed = source.get(key) or ()
            values = listed.values() if isinstance(listed, dict) else listed
            specials |= {c for c in map(_content, values) if c}
    added = {}
    for key, value in (settings.get("added_tokens_decoder") or {}).items():
        if content := _content(value):
            added[int(key)] = (content, isinstance(value, dict) and bool(value.get("special")))
    eos: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        found = read_object(directory / name).get("eos_token_id")
        ids = found if isinstance(found, list) else [found]
        eos |= {i for i in ids if isinstance(i, int) and not isinstance(i, bool) and i >= 0}
    return TokenizerFiles(named, tuple(sorted(specials)), added, frozenset(eos), settings)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing file reads as an empty one.

    Raises:
        ValueError: the file is there and is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not a JSON object")
    return data


def _content(token: object) -> str | None:
    """Return the string of a token that is written plainly or as an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) and token else None
