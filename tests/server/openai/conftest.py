"""The official Python client of the running server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import openai
import pytest
from generators.servers import RunningServer

T = TypeVar("T")


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    """A synchronous client; it does not try again, so that every error is seen."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="EMPTY", max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def with_async(server: RunningServer) -> Callable[..., Any]:
    """Run a coroutine function with an asynchronous client and return what it returns."""
    import asyncio

    def run(work: Callable[..., Coroutine[Any, Any, T]], *given: Any) -> T:
        async def main() -> T:
            url = f"{server.url}/v1"
            async with openai.AsyncOpenAI(base_url=url, api_key="EMPTY", max_retries=0) as made:
                return await work(made, *given)

        return asyncio.run(main())

    return run
