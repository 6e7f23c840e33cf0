"""Constraint engines behind one interface: ours and those that are installed beside it.

Peers: `pip install llguidance==1.9.1 outlines-core==0.2.14 xgrammar==0.2.8`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sglc.constraints import build
from sglc.constraints.types import Regex, Schema, Type
from sglc.runtime.core.script import Constraint
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.mask import gather
from sglc.runtime.scheduler.guide import Guide
from sglc.runtime.tokenizer.byte_tables import bytes_of

Kind = Literal["regex", "schema"]
_SPACED = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Vocab:
    """A trained vocabulary: the file's text, the bytes of its tokens, the id of `</s>`."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self.text = path.read_text()
        self.tokenizer = Tokenizer.from_str(self.text)
        found = json.loads(self.text)
        table = [b""] * self.tokenizer.get_vocab_size()
        for token, i in found["model"]["vocab"].items():
            table[i] = bytes_of(token, "byte_level")
        self.eos: int = self.tokenizer.token_to_id("</s>")
        table[self.eos] = b""
        self.token_bytes = tuple(table)
        self.num_words = -(-len(table) // 32)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids


class Batch(Protocol):
    """Texts that are generated under one constraint."""

    def fill(self) -> NDArray[np.int32]:
        """Return which tokens may come next in each of them, as bits, [texts, words]."""

    def advance(self, tokens: Sequence[int]) -> None:
        """Append a token to each, all of them allowed."""


class Engine(Protocol):
    """Compiles constraints for one vocabulary."""

    name: str

    def compile(self, kind: Kind, source: str) -> object:
        """Make all that is needed before the first mask.

        Raises:
            ValueError: the constraint is refused.
        """

    def begin(self, compiled: Any, count: int) -> Batch:
        """Begin so many texts."""


class Ours:
    """This project."""

    name = "sglc"

    def __init__(self, vocab: Vocab) -> None:
        self.vocabulary = Vocabulary.of(vocab.token_bytes, [vocab.eos])
        self.cache = MaskCache(self.vocabulary, max_mib=64)
        warm = Constraint(build.language(Regex("a")), "eos")
        Guide(warm, self.cache).mask(9)  # the trie belongs to the vocabulary

    def compile(self, kind: Kind, source: str) -> Constraint:
        """Build the automaton, and make it ready for masks."""
        build._language.cache_clear()  # cold means cold
        t: Type = Regex(source) if kind == "regex" else Schema(source)
        constraint = Constraint(build.language(t), "eos")
        guide = Guide(constraint, self.cache)
        if guide.refusal(100_000) is None:
            guide.mask(100_000)
        return constraint

    def begin(self, compiled: Constraint, count: int) -> OursBatch:
        """Begin so many texts."""
        return OursBatch(compiled, self.cache, self.vocabulary.token_bytes, count)


class OursBatch:
    """The guides of a batch, as the scheduler has them."""

    def __init__(
        self, constraint: Constraint, cache: MaskCache, table: Sequence[bytes], count: int
    ) -> None:
        self.guides = [Guide(constraint, cache) for _ in range(count)]
        self._table = table

    def fill(self) -> NDArray[np.int32]:
        """Gather the masks, the closing guard on."""
        return gather([guide.mask(100_000) for guide in self.guides])

    def advance(self, tokens: Sequence[int]) -> None:
        """Walk on."""
        for guide, token in zip(self.guides, tokens, strict=True):
            guide.advance(self._table[token])


class LLGuidance:
    """llguidance."""

    name = "llguidance"

    def __init__(self, vocab: Vocab) -> None:
        import llguidance
        import llguidance.torch

        self._ll: Any = llguidance
        self._llt: Any = llguidance.torch
        self._tokenizer = llguidance.LLTokenizer(vocab.text, eos_token=vocab.eos)
        self._executor = llguidance.LLExecutor(num_threads=1)
        self._size = len(vocab.token_bytes)

    def compile(self, kind: Kind, source: str) -> Any:
        """Compile a grammar."""
        matcher = self._ll.LLMatcher
        if kind == "schema":
            source = json.dumps({**json.loads(source), "x-guidance": _SPACED})
        made = {"regex": matcher.grammar_from_regex, "schema": matcher.grammar_from_json_schema}
        first = matcher(self._tokenizer, made[kind](source))
        if first.is_error():
            raise ValueError(first.get_error())
        return first

    def begin(self, compiled: Any, count: int) -> Batch:
        """Copy the first matcher."""
        matchers = [compiled.deep_copy() for _ in range(count)]
        bitmask = self._llt.allocate_token_bitmask(count, self._size)
        numbered = [(matcher, i) for i, matcher in enumerate(matchers)]

        def fill() -> NDArray[np.int32]:
            self._llt.fill_next_token_bitmask_par(self._executor, numbered, bitmask)
            return bitmask.numpy()

        def advance(tokens: Sequence[int]) -> None:
            for matcher, token in zip(matchers, tokens, strict=True):
                matcher.consume_token(token)

        return Calls(fill, advance)


class XGrammar:
    """xgrammar."""

    name = "xgrammar"

    def __init__(self, vocab: Vocab) -> None:
        import xgrammar

        self._xg: Any = xgrammar
        size = len(vocab.token_bytes)
        tokens = [piece or b"</s>" for piece in vocab.token_bytes]
        info = xgrammar.TokenizerInfo(
            tokens, xgrammar.VocabType.RAW, vocab_size=size, stop_token_ids=[vocab.eos]
        )
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self._batch = xgrammar.BatchGrammarMatcher(1)
        self._size = size

    def compile(self, kind: Kind, source: str) -> Any:
        """Compile a grammar."""
        try:
            if kind == "regex":
                return self._compiler.compile_regex(source)
            separators = (", ", ": ")
            return self._compiler.compile_json_schema(
                source, any_whitespace=False, separators=separators
            )
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    def begin(self, compiled: Any, count: int) -> Batch:
        """Make matchers."""
        matchers = [self._xg.GrammarMatcher(compiled) for _ in range(count)]
        bitmask = self._xg.allocate_token_bitmask(count, self._size)

        def fill() -> NDArray[np.int32]:
            self._batch.batch_fill_next_token_bitmask(matchers, bitmask)
            return bitmask.numpy()

        def advance(tokens: Sequence[int]) -> None:
            for matcher, token in zip(matchers, tokens, strict=True):
                if not matcher.accept_token(token):
                    raise ValueError(f"token {token} is refused")

        return Calls(fill, advance)


class Outlines:
    """outlines-core. An end marker makes its patterns match whole texts."""

    name = "outlines-core"

    def __init__(self, vocab: Vocab) -> None:
        import outlines_core

        self._oc: Any = outlines_core
        pieces: dict[bytes, list[int]] = {}
        for i, piece in enumerate(vocab.token_bytes):
            if piece:
                pieces.setdefault(piece, []).append(i)
        self._vocabulary = outlines_core.Vocabulary(vocab.eos, pieces)
        self._num_words = vocab.num_words

    def compile(self, kind: Kind, source: str) -> Any:
        """Build the index of all states and tokens."""
        if kind == "schema":
            source = self._oc.json_schema.build_regex_from_schema(source)
        return self._oc.Index(source, self._vocabulary)

    def begin(self, compiled: Any, count: int) -> Batch:
        """Make guides."""
        guides = [self._oc.Guide(compiled) for _ in range(count)]
        buffer = np.zeros((count, self._num_words), np.int32)

        def fill() -> NDArray[np.int32]:
            for guide, row in zip(guides, buffer, strict=True):
                guide.write_mask_into(row.ctypes.data, row.size, row.itemsize)
            return buffer

        def advance(tokens: Sequence[int]) -> None:
            for guide, token in zip(guides, tokens, strict=True):
                guide.advance(token)

        return Calls(fill, advance)


class Calls:
    """A batch of two functions."""

    def __init__(
        self, fill: Callable[[], NDArray[np.int32]], advance: Callable[[Sequence[int]], None]
    ) -> None:
        self.fill = fill
        self.advance = advance


PEERS: dict[str, type[LLGuidance] | type[XGrammar] | type[Outlines]] = {
    "llguidance": LLGuidance,
    "xgrammar": XGrammar,
    "outlines-core": Outlines,
}


def installed(name: str) -> str | None:
    """Return the version of a package, None if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
