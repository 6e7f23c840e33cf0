"""Pictures of machines: few states, forced runs, and nothing said that the machine denies."""

from __future__ import annotations

import pytest

from sglc.constraints.build import language
from sglc.constraints.types import Field as Member
from sglc.constraints.types import Grammar, Int, Line, Literal, Record, Regex, Str, Type, Union
from sglc.viz.machine import MAX_DRAWN, MAX_MET, NUM_BEYOND_ASCII, Picture, char_set, picture


def edges(shown: Picture) -> set[tuple[int, int, str, bool]]:
    return {(e.source, e.target, " ".join(e.labels), e.forced) for e in shown.edges}


def test_choices_end_in_forced_runs() -> None:
    shown = picture(language(Union((Literal("search"), Literal("done")))))
    assert edges(shown) == {
        (0, 1, "“d”", False),
        (0, 2, "“s”", False),
        (1, 3, "“one”", True),
        (2, 3, "“earch”", True),
    }
    assert shown.accepting == [False, False, False, True]
    assert shown.hidden == 0


def test_states_inside_of_characters_are_left_out() -> None:
    machine = language(Line())
    shown = picture(machine)
    assert edges(shown) == {(0, 1, r"[^\n]", False), (1, 1, r"[^\n]", False)}
    assert shown.num_states == shown.inside + 2


def test_a_small_machine_is_drawn_state_by_state() -> None:
    shown = picture(language(Int(1, 10)))
    assert shown.counts == [1, 1, 1]
    assert edges(shown) == {(0, 1, "“1”", False), (0, 2, "[2-9]", False), (1, 2, "“0”", False)}


def test_counters_are_drawn_as_one_state() -> None:
    record = Record((Member("name", Str(max=300)), Member("city", Str(max=200))))
    shown = picture(language(record))
    assert len(shown.counts) <= MAX_DRAWN
    assert sum(count > 200 for count in shown.counts) >= 1
    assert shown.hidden == 0
    assert (0, 1, '“{"name": "”', True) in edges(shown)


def test_a_machine_without_end_is_cut() -> None:
    shown = picture(language(Grammar('start: "(" start? ")"')))
    assert shown.hidden is None
    assert sum(shown.counts) <= MAX_MET


def test_a_machine_without_members_is_empty() -> None:
    shown = picture(language(Regex("a(?!a|$)(?=a)")))
    assert shown == Picture([], [], [], 0, 0, 0)


@pytest.mark.parametrize(
    "type_", [Line(), Int(0, 250), Regex("a{3,70}b"), Regex("[é-ü]+x"), Str(max=40)]
)
def test_every_state_is_drawn_hidden_or_passed(type_: Type) -> None:
    shown = picture(language(type_))
    assert sum(shown.counts) + shown.inside + (shown.hidden or 0) == shown.num_states


def test_some_characters_beyond_ascii_are_an_ellipsis() -> None:
    """``\\d`` matches the digits of all scripts, which is not every character."""
    assert edges(picture(language(Regex(r"\d")))) == {(0, 1, "[0-9…]", False)}


def test_ways_that_look_the_same_are_told_apart() -> None:
    shown = picture(language(Regex("[à-ö]x|[α-ω]y")))
    assert {label for _, _, label, _ in edges(shown)} == {"[…]", "[…]′", "“x”", "“y”"}


@pytest.mark.parametrize(
    ("found", "beyond", "text"),
    [
        ([97], 0, "“a”"),
        ([48, 49, 50, 97], 0, "[0-2a]"),
        ([b for b in range(128) if b != 10], NUM_BEYOND_ASCII, r"[^\n]"),
        (list(range(128)), NUM_BEYOND_ASCII, "any character"),
        ([], NUM_BEYOND_ASCII, r"[^\x00-\x7f]"),
        ([97], 3, "[a…]"),
        ([32, 45, 93], 0, r"[␣\-\]]"),
    ],
)
def test_sets_are_written_as_in_a_regex(found: list[int], beyond: int, text: str) -> None:
    assert char_set(found, beyond) == text
