"""Sets of characters, and one character in UTF-8."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import charset

POINTS = st.one_of(
    st.integers(0, 0x300),
    st.sampled_from([0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000]),
    st.integers(0, charset.MAX_CHAR),
)
RANGES = st.lists(st.tuples(POINTS, POINTS), max_size=5).map(charset.merge)


def has(ranges: charset.Ranges, point: int) -> bool:
    return any(low <= point <= high for low, high in ranges)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(RANGES, RANGES, st.lists(POINTS, max_size=20))
def test_sets_behave_as_sets(one: charset.Ranges, other: charset.Ranges, points: list[int]) -> None:
    edges = [p for pair in one + other for end in pair for p in (end - 1, end, end + 1)]
    for point in points + [p for p in edges if 0 <= p <= charset.MAX_CHAR]:
        assert has(charset.invert(one), point) != has(one, point)
        assert has(charset.intersect(one, other), point) == (has(one, point) and has(other, point))
    assert charset.invert(charset.invert(one)) == one


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RANGES, st.lists(POINTS, max_size=20))
def test_automaton_is_the_set_in_utf8(ranges: charset.Ranges, points: list[int]) -> None:
    automaton = charset.char_automaton(ranges)
    edges = [p for pair in ranges for end in pair for p in (end - 1, end, end + 1)]
    for point in points + [p for p in edges if 0 <= p <= charset.MAX_CHAR]:
        data = chr(point).encode("utf-8", "surrogatepass")
        assert automaton.accepts(data) == (has(ranges, point) and not 0xD800 <= point <= 0xDFFF)


def test_only_valid_utf8_is_read() -> None:
    text = charset.char_automaton(charset.ANY_CHAR).star()
    for data in (b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        assert not text.prefix_ok(data)
    assert (text.num_states, text.accepts("aé日😀".encode())) == (9, True)
