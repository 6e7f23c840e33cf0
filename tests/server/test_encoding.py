"""Texts of requests become tokens, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sglc.server.errors import ApiError
from sglc.server.service import Service


class NotedTokenizer:
    """Notes the threads that it encodes in; a text is as many tokens as it has words."""

    bos_ids = ()

    def __init__(self) -> None:
        self.threads: list[int] = []

    def encode(self, text: str, *, continues: bool) -> list[int]:
        self.threads.append(threading.get_ident())
        return [1] * len(text.split())


def service_with(tokenizer: NotedTokenizer) -> Service:
    service = object.__new__(Service)
    service.files = cast(Any, SimpleNamespace(tokenizer=tokenizer))
    service.engine = cast(Any, SimpleNamespace(ready=SimpleNamespace(max_context=1000)))
    return service


def test_others_have_a_turn_before_each_short_text() -> None:
    service = service_with(NotedTokenizer())
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> int:
        running = asyncio.create_task(others())
        for _ in range(100):
            assert await service.encode("two words", "text") == [1, 1]
        running.cancel()
        return turns

    assert asyncio.run(main()) >= 99


def test_a_long_text_is_not_encoded_in_the_event_loop() -> None:
    tokenizer = NotedTokenizer()
    service = service_with(tokenizer)

    async def main() -> int:
        await service.encode("short", "text")
        await service.encode("long " * 1000, "text")
        return threading.get_ident()

    loop = asyncio.run(main())
    short, long = tokenizer.threads
    assert short == loop
    assert long != loop


def test_what_cannot_fit_is_not_encoded() -> None:
    tokenizer = NotedTokenizer()
    service = service_with(tokenizer)
    with pytest.raises(ApiError, match=r"64001 characters.*context of 1000 tokens") as found:
        asyncio.run(service.encode("a" * 64_001, "text"))
    assert (found.value.param, found.value.code) == ("text", "context_length_exceeded")
    assert not tokenizer.threads
