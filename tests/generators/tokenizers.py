"""Small tokenizers with the pre-tokenizers in use, trained here, and texts hard on them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Inner

from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.json_files import TokenizerFiles

SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
BLANKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LLAMA3 = (
    rf"{SHORT}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{BLANKS}"
)
CASED = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SHORT}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SHORT}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{BLANKS}"
)
DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{BLANKS}"
)
PATTERNS = {
    "llama3": [LLAMA3],
    "qwen2": [LLAMA3.replace("{1,3}", "")],
    "cased": [CASED],
    "deepseek": [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK],
}
KINDS = [*PATTERNS, "gpt2", "digits", "qwen2-nfc", "added", "added-nfc", "added-mixed", "embedded"]
UNSURE = ["no pre-tokenizer", "unknown pattern", "lowercase", "two stages", "dropout"]
CORPUS = [
    'the cat\'s "name": "don\'t", we\'ll 12.5 see 1234\n\n  now {"a": [1, 23]}',
    "naïve café  Σίσυφος 日本語 АБВ abcABC I'VE they're x=1;\r\n\ty",
]
FILES = TokenizerFiles({}, (), {}, frozenset(), {})
PIECES = [
    "'re",
    "'LL",
    "'ve",
    " '",
    '": "',
    '", "',
    "\r\n",
    "<think>",
    "<thi",
    "nk>",
    "e\u0301",
    "a\u0331",
    "\ud83d",
    "\ude00",
]
CHARS = "abcAB tsredvmlLTſ''\"  \n\r\t.,:;/{}[]12390éΣあ語Абǅ\u0301\u0300²Ⅷ\u00a0\u3000<>|"
LETTERS = st.sampled_from([*CHARS, *PIECES])
TEXTS = st.lists(LETTERS, max_size=14).map("".join) | st.text(max_size=8)


@cache
def tokenizer(kind: str) -> Any:
    """A small byte-level tokenizer, trained here, with the pre-tokenizer of ``kind``."""
    if kind == "embedded":
        return Tokenizer.from_dir(Path(__file__).parents[2] / "runtime" / "embedded")
    inner = Inner(models.BPE(dropout=0.5 if kind == "dropout" else None))
    stages: list[Any] = [
        pre_tokenizers.Split(Regex(pattern), "isolated")
        for pattern in PATTERNS.get(kind.removesuffix("-nfc"), [])
    ]
    if kind == "digits":
        stages.append(pre_tokenizers.Digits(individual_digits=True))
    if kind.startswith("added"):
        stages.append(pre_tokenizers.Split(Regex(LLAMA3), "removed", invert=True))
    if kind == "unknown pattern":
        stages.append(pre_tokenizers.Split(Regex(r"\d(?=(\d{3})*\b)|.|\n"), "isolated"))
    if kind == "two stages":
        stages += [pre_tokenizers.Split(Regex(p), "isolated") for p in (LLAMA3, CASED)]
    use_regex = kind in ("gpt2", "digits", "lowercase", "dropout")
    stages.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex))
    inner.pre_tokenizer = pre_tokenizers.Sequence(stages)
    inner.decoder = decoders.ByteLevel()
    if kind.endswith("nfc"):
        inner.normalizer = normalizers.NFC()
    if kind == "lowercase":
        inner.normalizer = normalizers.Lowercase()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS * 4, trainer)
    if kind.startswith("added"):
        mixed = kind == "added-mixed"
        others = ["'re.", "<th", "nk>x", "  {"]
        inner.add_tokens([AddedToken("<think>", normalized=False)])
        inner.add_tokens([AddedToken(text, normalized=mixed) for text in others])
    return Tokenizer(json.dumps(json.loads(inner.to_str())), FILES)
