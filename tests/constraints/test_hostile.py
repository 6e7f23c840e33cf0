"""Patterns made to cost: every one is built or refused within the work that is allowed.

The guard is that work, which these tests count; a minute is only to tell that it failed.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from sglc import constraints
from sglc.constraints import types as t
from sglc.constraints.automaton import Automaton
from sglc.constraints.language import bounds
from sglc.constraints.network import Network
from sglc.constraints.patterns import MAX_PATTERN, RegexError, parse_regex
from sglc.constraints.strings import minimal_rows
from sglc.constraints.work import AutomatonTooLarge, Work

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGALRM"), reason="needs an alarm to be stopped by"
)


@pytest.fixture(autouse=True)
def _guard() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError("this takes a minute")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("pattern", "num_states"),
    [
        ("((a*)*)*", 2),
        ("(" * 50 + "a" + "*)" * 50, 2),
        ("(a|a)*", 2),
        ("(?:(?:a?)*)*", 2),
        ("(.*a){30}", 242),
        ("(a|b)*a(a|b){14}", 2**15 + 1),
        ("(a?){200}a{200}", 402),
        ("(?:a" * 95 + ")?" * 95, 97),
        ("|".join(f"word{i}" for i in range(10_000)), 10),
        ("a*" * 1_000, 2),
        ("(?:" + "a*b*" * 300 + ")*", 2),
        ("|".join(f"x{i}(?:a{{{i}}})*" for i in range(2, 80)), None),
        ("".join(f"(?=.*{c})" for c in "abcdef") + ".*", None),
        ("(?=a)" * 2_000 + "a", 3),
        ("(?!)" * 50, 1),
    ],
)
def test_what_looks_costly_but_is_small(pattern: str, num_states: int | None) -> None:
    work = Work()
    automaton = parse_regex(pattern).automaton(work=work)
    assert num_states is None or automaton.num_states == num_states
    assert work.left > 0


@pytest.mark.parametrize(
    "pattern",
    [
        "(a{1,1000}){1,1000}",
        "((a{1,100}){1,100}){1,100}",
        "(?:(?:a{1,30000}){1,30000}){1,30000}",
        "(a|b)*a(a|b){40}",
        r"(\w{1,100}\s){1,100}",
        "(.{1,50},){1,50}.*x.{30}",
        "a{1,99999999}",
        "a{4294967294}",
        "a" * 200_000,
        "[ab]" * 50_000,
        "".join(f"(?:{c}x?)?" for c in "abcdefghij" * 300),
        "".join(f"[{chr(0x4E00 + i)}]*" for i in range(1_000)),
        r"(?!.*a.{20}b)\w*",
        "(?=.*a.{25}b).*",
        "".join(f"(?=.*{c})" for c in "abcdefghijklm") + ".*",
    ],
)
def test_what_is_too_large_says_so(pattern: str) -> None:
    with pytest.raises(AutomatonTooLarge, match="lower the counts of repetitions"):
        Automaton.from_regex(pattern, max_states=30_000)
    assert bounds(t.Regex(pattern)).min_bytes >= 0


@pytest.mark.parametrize(
    ("pattern", "position", "message"),
    [
        ("(" * 100_000 + "a" + ")" * 100_000, 0, "nested deeper than 100"),
        ("(?:" * 80_000, 0, "nested deeper than 100"),
        ("a" * 1_000_000, MAX_PATTERN, f"longer than {MAX_PATTERN} characters"),
        ("(?:a" * 200 + "){2}" * 200, 0, "nested deeper than 100"),
        ("a{99999999999999999999}", 0, "too large"),
        ("a" * 5_000 + "(?>b)", 5_000, "atomic groups"),
    ],
)
def test_what_cannot_be_read_is_refused_in_few_words(
    pattern: str, position: int, message: str
) -> None:
    with pytest.raises(RegexError, match=message) as caught:
        parse_regex(pattern)
    assert caught.value.position in (position, MAX_PATTERN)
    assert len(str(caught.value)) < 400


def test_the_budget_is_one_for_all_parts() -> None:
    part = "(?:{0}[ab]{{1,30}}[ab]{{1,30}}[ab]{{1,30}}x){{2}}"
    letters = "cdefghijklmn"
    assert parse_regex(part.format("c")).automaton(work=Work(2_000)).num_states == 186
    whole = "|".join(part.format(letter) for letter in letters)
    assert parse_regex(whole).automaton().num_states < 2_000
    fresh = "|".join(part.format(letter.upper()) for letter in letters)  # nothing of it is kept
    with pytest.raises(AutomatonTooLarge):
        parse_regex(fresh).automaton(work=Work(2_000))


def test_wide_joints_cost_no_more_than_their_ends() -> None:
    net = Network()
    letters = [net.leaf(Automaton.from_strings([bytes([b])])) for b in range(100)]
    many = net.any_of(letters)
    whole = net.sequence([many, many, many])
    assert sum(map(len, net.follow)) < 10 * len(letters)
    assert Automaton(net.solve(whole)).num_states >= 3


def test_texts_become_states_one_by_one() -> None:
    texts = [f"{i:06d}".encode() for i in range(100_000)]
    assert len(minimal_rows(texts, Work(100)).rows) == 8
    with pytest.raises(AutomatonTooLarge):
        minimal_rows([bytes([65 + i % 7]) * i for i in range(400)], Work(1_000))
    with pytest.raises(AutomatonTooLarge):
        minimal_rows([b"a" * 5_000_000], Work())


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc80\ud800"])
def test_lone_surrogates_are_in_no_text(text: str) -> None:
    assert Automaton.from_regex(text).is_empty
    assert Automaton.from_regex(f"[{text[-1]}]").is_empty
    assert not Automaton.from_regex("(?s).*").accepts(text.encode("utf-8", "surrogatepass"))
    assert not constraints.regex("(?s).*").accepts(text)
    assert constraints.regex("[\ud800-\ue000]").accepts("\ue000")


@pytest.mark.parametrize(
    "data", [b"\xff", b"a\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]
)
def test_bytes_that_are_no_text_are_in_no_language(data: bytes) -> None:
    for pattern in ("(?s).*", r"[^a]*", r"(?:\W|\w)*", r"(?=.*)(?s:.)*(?:\B)*"):
        assert not constraints.regex(pattern).accepts(data)
    assert not constraints.regex("(?s).*").prefix_ok(b"\xff")
