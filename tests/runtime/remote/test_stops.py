"""Stop texts in pieces: the same as in the whole text; nothing is shown that is taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.remote.stops import StopScan


def first_match(text: str, stops: list[str]) -> tuple[int, str] | None:
    """The definition: complete first; of those complete at one place the longest."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            longest = max(found, key=len)
            return end - len(longest), longest
    return None


@given(
    pieces=st.lists(st.text("ab\n", max_size=3), max_size=8),
    stops=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3),
)
def test_pieces_are_as_good_as_the_whole(pieces: list[str], stops: list[str]) -> None:
    scan, shown = StopScan(stops), 0
    for piece in pieces:
        scan.add(piece)
        assert scan.num_certain >= shown  # what was shown stays
        shown = scan.num_certain
    wanted = first_match("".join(pieces), stops)
    assert (None if scan.match is None else tuple(scan.match)) == wanted
    assert scan.text == ("".join(pieces) if wanted is None else "".join(pieces)[: wanted[0]])
    assert shown <= len(scan.text)


@given(text=st.text("ab", max_size=6), stops=st.lists(st.text("ab", min_size=1, max_size=3)))
def test_no_more_is_held_back_than_may_be_taken_back(text: str, stops: list[str]) -> None:
    scan = StopScan(stops)
    scan.add(text)
    if scan.match is None:
        rest = text[scan.num_certain :]
        assert not rest or any(stop.startswith(rest) for stop in stops)
