"""A server under a benchmark: asks it, and notes when what comes."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from sglc.cli.benchmarks.dialects import Dialect, Progress
from sglc.cli.benchmarks.metrics import Outcome
from sglc.cli.benchmarks.prompts import Prompt
from sglc.cli.errors import CommandError
from sglc.cli.extras import needed_for

if TYPE_CHECKING:
    import httpx2

_CONNECT_S = 10.0
_SHOWN = 300  # characters of an error


class BenchServer:
    """A server at ``url``; ``key`` is sent as its API key."""

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        self._http = http
        self.url = url

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, key: str | None) -> AsyncIterator[BenchServer]:
        """Give the server; its connections are closed at the end, as many as the system allows.

        Raises:
            CommandError: the package that asks servers is not there.
        """
        with needed_for("asking a server", "clients"):
            import httpx2
        from sglc.server.file_limit import raise_file_limit

        raise_file_limit()
        async with httpx2.AsyncClient(
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
            timeout=httpx2.Timeout(None, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
        ) as http:
            yield cls(http, url.rstrip("/"))

    async def get(self, path: str) -> Any:
        """Return a reply of JSON.

        Raises:
            CommandError: the server is not there, or refuses.
        """
        import httpx2

        try:
            reply = await self._http.get(self.url + path)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise CommandError(f"{self.url} cannot be asked: {_named(error)}") from None
        if reply.status_code != 200:
            raise CommandError(f"{self.url}{path}: {_refusal(reply.status_code, reply.text)}")
        try:
            return reply.json()
        except ValueError:
            raise CommandError(f"{self.url}{path}: the reply is not JSON") from None

    async def ask(self, dialect: Dialect, prompt: Prompt, model: str, *, stream: bool) -> Outcome:
        """Send one request and read all of its reply; what goes wrong is in the outcome."""
        import httpx2

        outcome = Outcome(num_input=len(prompt.ids))
        progress = Progress()
        start = time.perf_counter()
        last = start
        try:
            body = dialect.body(prompt, model, stream=stream)
            async with aclosing(self.events(dialect.path, body)) as events:
                async for data in events:
                    now = time.perf_counter()
                    new = dialect.read(data, progress)
                    if not stream or new <= 0:
                        continue
                    if outcome.first_s is None:
                        outcome.first_s = now - start
                        outcome.gaps_s += [0.0] * (new - 1)  # they came with the first
                    else:
                        outcome.gaps_s += [(now - last) / new] * new
                    last = now
        except Refused as error:
            outcome.error = str(error)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            outcome.error = _named(error)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            outcome.error = f"the reply has another form: {_named(error)}"
        outcome.latency_s = time.perf_counter() - start
        if outcome.error is None:
            outcome.error = _missing(progress)
        outcome.num_output = progress.num_output or 0
        if progress.num_input is not None:
            outcome.num_input = progress.num_input
        return outcome

    async def events(self, path: str, body: Any) -> AsyncGenerator[dict[str, Any]]:
        """Yield what a server sends, event by event as they come, or its one reply.

        Raises:
            HTTPError: it cannot be reached, or breaks off.
            ValueError: an event is not JSON.
            Refused: it sends an error.
        """
        async with self._http.stream("POST", self.url + path, json=body) as reply:
            if reply.status_code != 200:
                text = (await reply.aread()).decode(errors="replace")
                raise Refused(_refusal(reply.status_code, text))
            if not reply.headers.get("content-type", "").startswith("text/event-stream"):
                yield _checked(json.loads(await reply.aread()))
                return
            async for line in reply.aiter_lines():
                if not line.startswith("data:"):
                    continue
                data = line.removeprefix("data:").strip()
                if data == "[DONE]":
                    return
                yield _checked(json.loads(data))
        raise Refused("the stream broke off before its end")


class Refused(Exception):
    """The server sent an error."""


def _checked(data: Any) -> Any:
    if isinstance(data, dict) and data.get("error"):
        error = data["error"]
        said = error.get("message", error) if isinstance(error, dict) else error
        raise Refused(str(said)[:_SHOWN])
    return data


def _missing(progress: Progress) -> str | None:
    if not progress.is_done:
        return "the text broke off before its end"
    if progress.num_output is None:
        return "the server does not say how many tokens it wrote"
    return None


def _refusal(status: int, text: str) -> str:
    try:
        _checked(json.loads(text))
    except Refused as error:
        text = str(error)
    except ValueError:
        pass
    hint = "; set SGLC_SERVER_KEY to a key of the server" if status == 401 else ""
    return f"HTTP {status}: {text[:_SHOWN]}{hint}"


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def ask_all(
    server: BenchServer,
    dialect: Dialect,
    prompts: Sequence[Prompt],
    *,
    model: str,
    stream: bool,
    rate: float,
    max_concurrency: int | None,
    seed: int,
) -> tuple[list[Outcome], float]:
    """Ask everything, ``rate`` requests a second at random, and return outcomes and seconds.

    The times between two requests are exponential: a Poisson process; ``inf`` sends all at once.
    With ``max_concurrency`` a request waits for its turn, and its time begins when it is sent.
    """
    turns = asyncio.Semaphore(max_concurrency or len(prompts))
    waits = random.Random(seed)

    async def one(prompt: Prompt) -> Outcome:
        async with turns:
            return await server.ask(dialect, prompt, model, stream=stream)

    start = time.perf_counter()
    due = start
    async with asyncio.TaskGroup() as group:
        tasks = []
        for prompt in prompts:
            tasks.append(group.create_task(one(prompt)))
            if rate != float("inf"):
                due += waits.expovariate(rate)
                await asyncio.sleep(max(due - time.perf_counter(), 0.0))
    return [task.result() for task in tasks], time.perf_counter() - start
