"""Answers that are odd in any way become errors of a server, never errors of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode
from sglc.runtime.remote.capabilities import SGLANG_04, SGLC_COMPLETIONS
from sglc.runtime.remote.completions import CompletionsWire
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.native import NativeWire
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Wire
from sglc.runtime.remote.writing import Writing

TOKENIZER = RemoteTokenizer()
WIRES: dict[str, Wire] = {
    "native": NativeWire(SGLANG_04, TOKENIZER),
    "completions": CompletionsWire(SGLC_COMPLETIONS, TOKENIZER, "m"),
}

SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", "a"])
LOOSE = st.recursive(SCALARS, lambda each: st.lists(each, max_size=2), max_leaves=3)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is right, or now and then anything at all."""
    return st.integers(0, 15).flatmap(lambda n: LOOSE if n == 7 else right)


def record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these fields, of which one may be missing now and then."""
    whole = st.fixed_dictionaries({k: mostly(v) for k, v in fields.items()})
    lost = st.sampled_from([*fields, *[None] * 15])
    return mostly(
        st.tuples(whole, lost).map(lambda d: {k: v for k, v in d[0].items() if k != d[1]})
    )


COUNT = st.integers(0, 3)
TEXT = st.sampled_from(["", "a", "ab", "abc", "b"])
TRIPLE = st.tuples(mostly(st.floats(-9, 0)), mostly(COUNT), mostly(TEXT)).map(list)
NATIVE = record(
    text=TEXT,
    index=st.integers(0, 1),
    meta_info=record(
        finish_reason=st.none()
        | record(type=st.sampled_from(["stop", "length", "abort"]), matched=TEXT | COUNT),
        prompt_tokens=COUNT,
        completion_tokens=COUNT,
        cached_tokens=COUNT,
        output_token_logprobs=st.lists(mostly(TRIPLE), max_size=2),
        input_token_logprobs=st.lists(mostly(TRIPLE), max_size=3),
    ),
)
LOGPROBS = record(
    tokens=st.lists(TEXT, max_size=2),
    token_logprobs=st.lists(st.floats(-9, 0) | st.none(), max_size=2),
    text_offset=st.lists(COUNT, max_size=2),
)
CHOICE = record(
    index=st.integers(0, 1),
    text=TEXT,
    finish_reason=st.sampled_from([None, "stop", "length"]),
    logprobs=st.none() | LOGPROBS,
    matched_stop=st.none() | TEXT | COUNT,
)
USAGE = record(
    prompt_tokens=COUNT, completion_tokens=COUNT, prompt_tokens_details=record(cached_tokens=COUNT)
)
COMPLETION = record(choices=st.lists(CHOICE, max_size=2), usage=USAGE)
REPLIES = {"native": NATIVE | st.lists(NATIVE, max_size=2), "completions": COMPLETION}


class Saying:
    """A client whose server says what it is told to, one reply after another."""

    url = "http://host"

    def __init__(self, replies: list[Any]) -> None:
        self._replies = replies

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._replies.pop(0) if self._replies else None

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any]:
        for reply in self._replies:
            yield reply


@pytest.mark.parametrize("kind", WIRES)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(data=st.data(), stream=st.booleans(), with_tokens=st.booleans())
def test_texts(kind: str, data: st.DataObject, stream: bool, with_tokens: bool) -> None:
    replies = data.draw(st.lists(REPLIES[kind], max_size=3))
    op = Decode(4, stop=("b",), num_logprobs=0 if with_tokens else None)
    ask = Ask(
        prompt=(65,),
        max_tokens=4,
        sampling=SamplingParams(),
        stop=op.stop,
        with_tokens=with_tokens,
        samples=2,
        stream=stream,
    )
    writings = [Writing(op), Writing(op)]

    async def read() -> None:
        client: Any = Saying(replies)
        async for part in WIRES[kind].decode(client, ask):
            if isinstance(part, Bill):
                assert part.input_tokens is None or part.input_tokens >= 0
            elif isinstance(part, Piece):
                writings[part.sample].add(part)
            elif isinstance(part, Answer):
                writings[part.sample].end(part)

    with suppress(RemoteError):
        asyncio.run(read())
    for writing in writings:
        if writing.is_over:
            result = writing.result()
            assert result.ids == tuple(result.text.encode())
            assert all(isinstance(logprob, float) for logprob in result.logprobs)


@pytest.mark.parametrize("kind", WIRES)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(data=st.data(), alone=st.booleans())
def test_scores(kind: str, data: st.DataObject, alone: bool) -> None:
    lists = st.lists(NATIVE, min_size=2, max_size=2)
    native = st.tuples(NATIVE, lists, lists).map(list)
    whole = native if kind == "native" else st.lists(COMPLETION, min_size=2, max_size=2)
    replies = data.draw(whole)

    async def score() -> None:
        client: Any = Saying(replies)
        found = await WIRES[kind].score(client, (65,), ("a", "b"), alone=alone)
        assert len(found.rows) == 2
        assert all(row for row in found.rows)
        assert all(isinstance(each, float) for row in found.rows for each in row)
        if alone:
            assert found.alone is not None
            assert [len(row) for row in found.alone] == [len(row) for row in found.rows]

    with suppress(RemoteError):
        asyncio.run(score())
