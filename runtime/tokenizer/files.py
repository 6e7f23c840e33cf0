"""Tokenizers read from a model's directory, on the ``tokenizers`` library alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sglc.runtime.tokenizer.byte import without_surrogates
from sglc.runtime.tokenizer.byte_tables import bytes_of, components, scheme_of
from sglc.runtime.tokenizer.commit import CommitRule
from sglc.runtime.tokenizer.json_files import TokenizerFiles, read_files

PrefixSpace = Literal["never", "first", "always"]
_LONG_CHARS = 1000  # of a text that takes a millisecond or more


class Tokenizer:
    """Implements TokenizerLike.

    Some tokenizers begin a text with a space of their own. Here that space is written out before
    encoding (``prefix_space``: before every run of text, or only before the first of a document),
    so ``token_bytes`` of the ids of ``text`` join to ``" " + text`` exactly, also where the text
    begins with a space; ``decode`` takes the space off again. A normalizer (NFC, say) is part of
    the encoding: what comes back is the normalized text.

    Attributes:
        prefix_space: when ``encode`` puts that space.
        named: strings of the tokens with a role, by ``bos_token``, ``eos_token`` and so on.
        directory: where it was read from, if it was.
    """

    directory: Path | None = None

    def __init__(self, definition: str, files: TokenizerFiles) -> None:
        """Take over the text of a tokenizer.json. ``from_dir`` reads it.

        Raises:
            ValueError: the definition is broken, or of a kind that loses text.
        """
        import tokenizers  # 10 ms, and not needed by who brings another tokenizer

        try:
            data = json.loads(definition)
            scheme = scheme_of(data)
            self.prefix_space, data = _without_prefix_space(data)
            inner = tokenizers.Tokenizer.from_str(json.dumps(data, ensure_ascii=False))
        except ValueError:
            raise
        except Exception as error:  # the library raises Exception itself
            raise ValueError(f"not a tokenizer: {error}") from None
        for token_id, (content, special) in sorted(files.added.items()):
            if inner.token_to_id(content) is None:
                add = inner.add_special_tokens if special else inner.add_tokens
                add([tokenizers.AddedToken(content, special=special, normalized=False)])
            if inner.token_to_id(content) != token_id:
                raise ValueError(
                    f"token {content!r} is {token_id} in tokenizer_config.json, but "
                    f"{inner.token_to_id(content)} in tokenizer.json"
                )
        known = [c for c in files.specials if inner.token_to_id(c) is not None]
        inner.add_special_tokens(
            [tokenizers.AddedToken(c, special=True, normalized=False) for c in known]
        )
        inner.encode_special_tokens = True  # their names in a text are text
        inner.no_truncation()
        inner.no_padding()
        self._inner = inner
        self.named = dict(files.named)
        added = inner.get_added_tokens_decoder()
        self.special_ids: Mapping[str, int] = {
            t.content: i for i, t in sorted(added.items()) if t.special
        }
        vocabulary: dict[str, int] = inner.get_vocab(with_added_tokens=True)
        table = [b""] * (max(vocabulary.values(), default=-1) + 1)
        for token, i in vocabulary.items():
            if i not in added:
                table[i] = bytes_of(token, scheme)
            elif not added[i].special:
                table[i] = added[i].content.encode()
        self.token_bytes: tuple[bytes, ...] = tuple(table)
        self.vocab_size = len(table)
        self._commit: CommitRule | None = None
        if self.prefix_space != "always":
            self._commit = CommitRule.of(data, inner, self.token_bytes)
        eos = inner.token_to_id(files.named.get("eos_token", ""))
        self.eos_ids = files.eos_ids | ({eos} if eos is not None else frozenset())
        self.bos_ids = self._added_before()
        identity = [definition, sorted(self.special_ids.items()), sorted(self.eos_ids)]
        self.digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    @classmethod
    def from_dir(cls, path: str | Path) -> Tokenizer:
        """Read ``tokenizer.json`` and what lies beside it.

        Raises:
            ValueError: it is missing or broken; the message names the file.
        """
        directory = Path(path)
        source = directory / "tokenizer.json"
        try:
            definition = source.read_text(encoding="utf-8")
        except FileNotFoundError:
            old = [n for n in ("tokenizer.model", "vocab.json") if (directory / n).exists()]
            have = f"only {old[0]} is there; convert it" if old else "make one"
            raise ValueError(
                f"{source}: no such file: {have} with transformers "
                "(AutoTokenizer.from_pretrained(path).save_pretrained(path))"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{source}: {error}") from None
        try:
            found = cls(definition, read_files(directory))
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None
        found.directory = directory
        return found

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the ids of ``text``; see TokenizerLike."""
        if not text:
            return []
        if self.prefix_space == "always" or (self.prefix_space == "first" and not continues):
            text = " " + text
        return self._ids(text)

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return what never changes of the ids of ``text``; see TextEncoder."""
        return [0] if self._commit is None else self._commit.points(text, following)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``, read as the begin of a text."""
        data = b"".join(self.token_bytes[i] for i in ids)
        if self.prefix_space != "never" and data.startswith(b" "):
            data = data[1:]
        return data.decode(errors="replace")

    def _ids(self, text: str) -> list[int]:
        try:
            encoding = self._encoding(text)
        except TypeError:  # a lone surrogate: the library takes valid UTF-8 only
            encoding = self._encoding(without_surrogates(text))
        ids: list[int] = encoding.ids
        return ids

    def _encoding(self, text: str) -> Any:
        if len(text) > _LONG_CHARS:  # of batches alone the library lets other threads run meanwhile
            return self._inner.encode_batch_fast([text], add_special_tokens=False)[0]
        return self._inner.encode(text, add_special_tokens=False)

    def _added_before(self) -> tuple[int, ...]:
        """Read off the post-processor which ids it puts before a text."""
        plain = self._inner.encode("a", add_special_tokens=False).ids
        whole: list[int] = self._inner.encode("a", add_special_tokens=True).ids
        for at in range(len(whole) - len(plain) + 1):
            if whole[at : at + len(plain)] == plain:
                return tuple(whole[:at])
        return ()


def _without_prefix_space(data: dict[str, Any]) -> tuple[PrefixSpace, dict[str, Any]]:
    """Take the rule that begins a text with a space out of a tokenizer.json.

    Those rules leave a text alone that begins with a space already, and so lose one of two texts.
    """
    found: PrefixSpace = "never"
    for part in components(data.get("pre_tokenizer")):
        changed: Any = part
        if part.get("type") == "Metaspace":
            old: PrefixSpace = "always" if part.get("add_prefix_space", True) else "never"
            old = part.get("prepend_scheme", old)
            changed["prepend_scheme"] = "never"
            changed.pop("add_prefix_space", None)
            found = old if found == "never" else found
        elif part.get("type") == "ByteLevel" and part.get("add_prefix_space"):
            changed["add_prefix_space"] = False
            found = "always"
    normalizer: Any = data.get("normalizer")
    for part in list(components(normalizer)):
        if part.get("type") == "Prepend" and part.get("prepend") == "▁":
            found = "always"
            if part is normalizer:
                data["normalizer"] = None
            else:
                normalizer["normalizers"].remove(part)
    return found, data
