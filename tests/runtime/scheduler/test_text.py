"""Stop strings and code points across token borders, against a byte by byte definition."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.runtime.scheduler.text import DecodeText

ALPHABET = [b"a", b"b", b"ab", b"ba", b"bab", b"\xc3", b"\xa9", "é".encode(), b"\xff", b""]


def by_bytes(pieces: list[bytes], stops: tuple[str, ...]) -> tuple[bytes, str | None]:
    """The text before the stop that is complete first, the longest of several."""
    data = b""
    for byte in b"".join(pieces):
        data += bytes([byte])
        found = [s for s in stops if data.endswith(s.encode())]
        if found:
            stop = max(found, key=lambda s: len(s.encode()))
            return data[: -len(stop.encode())], stop
    return data, None


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    pieces=st.lists(st.sampled_from(ALPHABET), max_size=12),
    stops=st.lists(st.text("abé", min_size=1, max_size=4), max_size=3, unique=True).map(tuple),
    deltas=st.booleans(),
)
def test_text_is_what_the_bytes_say(
    pieces: list[bytes], stops: tuple[str, ...], deltas: bool
) -> None:
    expected, stop = by_bytes(pieces, stops)
    text = DecodeText(stops, deltas)
    parts: list[str] = []
    found = None
    for piece in pieces:
        part, found = text.push(piece)
        parts.append(part)
        if found is not None:
            break
    assert deltas or not any(parts)
    assert found == stop
    assert text.num_bytes == len(expected)
    rest, whole = text.finish()
    assert whole == expected.decode(errors="replace")
    assert "".join(parts) + rest == whole


def test_half_a_code_point_waits() -> None:
    text = DecodeText((), deltas=True)
    assert text.push(b"x\xe2\x82") == ("x", None)
    assert text.push(b"\xac") == ("€", None)


def test_what_may_become_a_stop_waits() -> None:
    text = DecodeText(("END",), deltas=True)
    assert text.push(b"so E") == ("so ", None)
    assert text.push(b"N") == ("", None)
    assert text.push(b"O") == ("ENO", None)
    assert text.push(b"E") == ("", None)
    assert text.finish() == ("E", "so ENOE")
