"""Server-sent events: the same ones however a response is cut, whatever its lines end with."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.remote.event_stream import EventReader

TEXTS = st.text(st.sampled_from("a \u2028\u0085\x0b\x1e\u00e9\U0001f600"), max_size=8)
ENDS = st.sampled_from(["\n", "\r\n"])
BESIDE = st.sampled_from(["", ": keep-alive", "event: ping", "id: 1", "data"])


def read(chunks: list[bytes]) -> list[bytes]:
    reader = EventReader()
    return [*(event for chunk in chunks for event in reader.feed(chunk)), *reader.end()]


@given(st.lists(st.tuples(TEXTS, BESIDE)), ENDS, st.booleans(), st.data())
def test_a_response_may_be_cut_anywhere(
    written: list[tuple[str, str]], end: str, is_ended: bool, data: st.DataObject
) -> None:
    lines: list[str] = []
    for text, beside in written:
        lines += [beside, f"data: {json.dumps(text, ensure_ascii=False)}", ""]
    body = "".join(line + end for line in lines).encode()
    body = body if is_ended else body.removesuffix(2 * end.encode())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert [json.loads(event) for event in read(chunks)] == [text for text, _ in written]


def test_lines_of_one_event_are_its_data() -> None:
    assert read([b"data: {\ndata:  1}\n\ndata:2\n\n"]) == [b"{\n 1}", b"2"]
