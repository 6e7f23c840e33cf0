"""Tiny tokenizers as models save them: byte-level, and SentencePiece's kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from tokenizers import Tokenizer as Inner

CORPUS = ["the cat sat on the mat", "user system assistant", "don't  stop\n\nnow", "naïve café 12"]
SPECIALS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"]


def byte_level(add_prefix_space: bool = False) -> Inner:
    inner = Inner(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS * 3, trainer)
    return inner


def sentencepiece(prefix: str) -> Inner:
    """Llama's kind: byte fallback, and a space before the text by ``prefix``: a normalizer, or
    one of Metaspace's schemes."""
    letters = sorted({c for text in CORPUS for c in text if c.isascii() and c != "\n"} - {" "})
    vocab = ["<unk>", *SPECIALS, *(f"<0x{b:02X}>" for b in range(256)), "▁", *letters]
    merges = [
        ("t", "h"),
        ("th", "e"),
        ("▁", "the"),
        ("▁", "c"),
        ("a", "t"),
        ("▁c", "at"),
        ("▁", "▁"),
    ]
    vocab += ["".join(pair) for pair in merges]
    inner = Inner(
        models.BPE(
            vocab={t: i for i, t in enumerate(vocab)},
            merges=merges,
            byte_fallback=True,
            unk_token="<unk>",
            fuse_unk=True,
        )
    )
    strip: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix == "normalizer":
        inner.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        inner.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=prefix, split=False)
    inner.decoder = decoders.Sequence([*strip, decoders.Strip(" ", 1, 0)])
    inner.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIALS])
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", vocab.index("<s>"))]
    )
    return inner


KINDS: dict[str, Callable[[], Inner]] = {
    "byte-level": byte_level,
    "byte-level-space": lambda: byte_level(add_prefix_space=True),
    "normalizer": lambda: sentencepiece("normalizer"),
    "metaspace-always": lambda: sentencepiece("always"),
    "metaspace-first": lambda: sentencepiece("first"),
    "metaspace-never": lambda: sentencepiece("never"),
}


def save(inner: Inner, directory: Path, **files: Any) -> Path:
    """Write tokenizer.json and the JSON files given by name (``config`` for config.json)."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tokenizer.json").write_text(inner.to_str(), encoding="utf-8")
    for name, data in files.items():
        (directory / f"{name}.json").write_text(json.dumps(data))
    return directory
