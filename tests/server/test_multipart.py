"""Multipart bodies: read the same however they are cut, and refused or read whatever they hold."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from sglc.server.errors import ApiError
from sglc.server.http.multipart import PartBegin, PartData, PartEnd, parts_of

Part = tuple[str, str | None, bytes]


def read(chunks: Sequence[bytes], kind: str = "multipart/form-data; boundary=xyz") -> list[Part]:
    """Return the parts of a body that comes in chunks: name, filename, content."""
    left = [*chunks, b""]

    async def receive() -> dict[str, Any]:
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def gather() -> list[Part]:
        found: list[Part] = []
        begun: PartBegin | None = None
        data = b""
        headers = [(b"content-type", kind.encode("latin-1", "replace"))]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        async for event in parts_of(request):
            match event:
                case PartBegin():
                    assert begun is None
                    begun, data = event, b""
                case PartData():
                    data += event.data
                case PartEnd():
                    assert begun is not None
                    found.append((begun.name, begun.filename, data))
                    begun = None
        assert begun is None
        return found

    return asyncio.run(gather())


def written(parts: Sequence[Part]) -> bytes:
    body = b""
    for name, filename, data in parts:
        disposition = f'form-data; name="{name}"'
        if filename is not None:
            disposition += f'; filename="{filename}"'
        body += b"--xyz\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n"
        body += data + b"\r\n"
    return body + b"--xyz--\r\n"


names = st.text(st.characters(categories=["L", "N"], include_characters=" .-/"), max_size=12).map(
    str.strip
)
contents = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\r\n", b"--", b"xyz", b"\r\n--xy", b"a"])).map(b"".join),
).filter(lambda data: b"\r\n--xyz" not in b"\r\n" + data)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.tuples(names, st.none() | names.filter(bool), contents), min_size=1),
    cuts=st.lists(st.integers(0, 400)),
)
def test_parts_are_what_was_written_however_they_are_cut(
    parts: list[Part], cuts: list[int]
) -> None:
    body = written(parts)
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[a:b] for a, b in itertools.pairwise(places)]
    assert read(chunks) == parts


@settings(max_examples=150, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    b"--xyz",
                    b"--",
                    b"\r\n",
                    b"\n",
                    b"Content-Disposition: ",
                    b"form-data; ",
                    b'name="a"',
                    b"; filename*=x'y'%zz",
                    b"; filename*0*=a; filename*1=b",
                    b"\xff",
                    b"=",
                    b":",
                    b"data",
                ]
            ),
            max_size=20,
        ).map(b"".join),
    ),
    kind=st.one_of(
        st.just("multipart/form-data; boundary=xyz"),
        st.text(max_size=30).map(lambda text: f"multipart/form-data; boundary={text}"),
        st.text(max_size=30),
    ),
)
def test_whatever_comes_is_read_or_refused(body: bytes, kind: str) -> None:
    status = 0
    try:
        read([body], kind)
    except ApiError as error:
        status = error.status
    assert status in (0, 400, 415)
