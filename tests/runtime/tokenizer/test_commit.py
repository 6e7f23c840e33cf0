"""Commit points hold: whatever follows, the tokens before them stay, on pre-tokenizers in use."""

from __future__ import annotations

import pytest
from generators.tokenizers import KINDS, TEXTS, UNSURE, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.runtime.tokenizer.byte import ByteTokenizer, without_surrogates
from sglc.runtime.tokenizer.commit import byte_offsets


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
        assert ends[-1] == len(without_surrogates(text).encode())
    for point, offset in zip(points, byte_offsets(text, points), strict=True):
        count = ends.index(offset)  # a token border
        assert after[:count] == before[:count]
        if not kind.endswith("nfc") or after != before:
            assert made.encode(text[point:]) == before[count:]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=400, deadline=None, derandomize=True)
@given(text=TEXTS, more=TEXTS, others=st.sets(st.sampled_from(list(b'"_ab19 {<\xc3\xe3'))))
def test_what_may_follow_narrows_it_down(kind: str, text: str, more: str, others: set[int]) -> None:
    made = tokenizer(kind)
    following = {*without_surrogates(more).encode()[:1], *others}
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
    assert made.commit_points("a b <think> c d") == [0, 1, 3, 4, 11, 13]
    assert made.commit_points("<think>") == [0, 7]
    assert made.commit_points("a <th") == [0, 1]  # a token, but the other begins so, too
    assert made.commit_points("a b <that> c d")[-1] == len("a b <that> c")
    mixed = tokenizer("added-mixed")  # tokens of two kinds: the library looks for them in turn
    assert mixed.commit_points("a b <think> c d") == [0, 1, 3]


def test_single_bytes_are_settled_at_once() -> None:
    assert ByteTokenizer().commit_points("aé'") == [0, 1, 2, 3]


def test_a_mark_that_follows_may_change_the_letter_before_other_marks() -> None:
    made = tokenizer("qwen2-nfc")
    text = "b a\u0331"  # with an acute accent behind it, the letter becomes another one
    assert made.commit_points(text) == [0, 1]
    assert made.encode(text)[:3] != made.encode(text + "\u0301")[:3]


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_is_open(kind: str) -> None:
    for made in (tokenizer(kind), ByteTokenizer()):
        assert made.commit_points("ab cd\ud83d")[-1] <= len("ab cd")
        assert made.commit_points("ab cd\ud83d e", b"x")[-1] <= len("ab cd")
