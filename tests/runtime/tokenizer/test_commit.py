"""Commit points hold: whatever follows, the tokens before them stay, on pre-tokenizers in use."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Inner

from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.commit import byte_offsets
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
KINDS = [*PATTERNS, "gpt2", "digits", "qwen2-nfc", "added", "embedded"]
UNSURE = ["no pre-tokenizer", "unknown pattern", "lowercase", "two stages", "dropout"]
CORPUS = [
    'the cat\'s "name": "don\'t", we\'ll 12.5 see 1234\n\n  now {"a": [1, 23]}',
    "naïve café  Σίσυφος 日本語 АБВ abcABC I'VE they're x=1;\r\n\ty",
]
FILES = TokenizerFiles({}, (), {}, frozenset(), {})
PIECES = ["'re", "'LL", "'ve", " '", '": "', '", "', "\r\n", "<think>", "<thi", "nk>", "e\u0301"]
CHARS = "abcAB tsredvmlLTſ''\"  \n\r\t.,:;/{}[]12390éΣあ語Абǅ\u0301\u0300²Ⅷ\u00a0\u3000<>|"
LETTERS = st.sampled_from([*CHARS, *PIECES])
TEXTS = st.lists(LETTERS, max_size=14).map("".join) | st.text(max_size=8)


@cache
def tokenizer(kind: str) -> Any:
    """A small byte-level tokenizer, trained here, with the pre-tokenizer of ``kind``."""
    if kind == "embedded":
        return Tokenizer.from_dir(Path(__file__).parents[3] / "runtime" / "embedded")
    inner = Inner(models.BPE(dropout=0.5 if kind == "dropout" else None))
    stages: list[Any] = [
        pre_tokenizers.Split(Regex(pattern), "isolated")
        for pattern in PATTERNS.get(kind.removesuffix("-nfc"), [])
    ]
    if kind == "digits":
        stages.append(pre_tokenizers.Digits(individual_digits=True))
    if kind == "added":
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
    if kind == "added":
        inner.add_tokens([AddedToken("<think>", normalized=False), AddedToken("'re.")])
    return Tokenizer(json.dumps(json.loads(inner.to_str())), FILES)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=400, deadline=None, derandomize=True)
@given(text=TEXTS, more=TEXTS)
def test_tokens_before_a_commit_point_stay(kind: str, text: str, more: str) -> None:
    made = tokenizer(kind)
    before, after = made.encode(text), made.encode(text + more)
    points = made.commit_points(text)
    assert points == sorted(set(points))
    assert points[0] == 0
    assert points[-1] <= len(text)
    ends = [0]
    for token in before:
        ends.append(ends[-1] + len(made.token_bytes[token]))
    if points != [0]:  # so the normalizer has left the text alone
        assert ends[-1] == len(text.encode())
    for point, offset in zip(points, byte_offsets(text, points), strict=True):
        count = ends.index(offset)  # a token border
        assert after[:count] == before[:count]
        if kind != "qwen2-nfc" or after != before:
            assert made.encode(text[point:]) == before[count:]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=400, deadline=None, derandomize=True)
@given(text=TEXTS, more=TEXTS, others=st.sets(st.sampled_from(list(b'"_ab19 {<\xc3\xe3'))))
def test_what_may_follow_narrows_it_down(kind: str, text: str, more: str, others: set[int]) -> None:
    made = tokenizer(kind)
    following = {*more.encode()[:1], *others}
    points = made.commit_points(text, following)
    assert points[: len(made.commit_points(text))] == made.commit_points(text)
    if points[-1] == len(text) and (more or not others):
        count = len(made.encode(text))
        assert made.encode(text + more)[:count] == made.encode(text)
        assert b"".join(made.token_bytes[i] for i in made.encode(text)) == text.encode()


def test_the_end_is_settled_if_nothing_that_follows_can_join_it() -> None:
    made = tokenizer("gpt2")
    assert made.commit_points(' "', b"_") == [0, 2]  # one word with it, but no token holds both
    assert made.commit_points(' "', b"a1 ") == [0, 2]
    assert made.commit_points(' "', b'":') == [0]
    assert made.commit_points(' "') == [0]
    assert made.commit_points("ab", b"") == [0, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_most_of_a_text_is_settled(kind: str) -> None:
    text = '{"name": "Harry Potter", "house": "Gryffindor", "blood status": "'
    assert len(text) - tokenizer(kind).commit_points(text)[-1] <= 2


@pytest.mark.parametrize("kind", UNSURE)
def test_what_is_not_known_settles_nothing(kind: str) -> None:
    assert tokenizer(kind).commit_points("one two three. 1 2 3") == [0]


def test_an_added_token_that_may_come_holds_what_it_would_take_in() -> None:
    made = tokenizer("added")
    assert made.commit_points("a b <thi") == [0, 1, 3]
    assert made.commit_points("a b <think> c d") == [0, 1, 3]
    assert made.commit_points("a b <that> c d")[-1] == len("a b <that> c")


def test_single_bytes_are_settled_at_once() -> None:
    assert ByteTokenizer().commit_points("aé'") == [0, 1, 2, 3]
