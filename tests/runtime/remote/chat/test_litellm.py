"""Programs that LiteLLM's library asks for; the library here is a small one that says the same."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import pytest
from generators.remote_runs import Runner

from sglc.runtime.remote.chat.open import open_litellm
from sglc.runtime.remote.policy import Policy

ASK = 'prompt p():\n    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n'


class Made:
    """A reply, or a piece of one."""

    def __init__(self, text: str | None, finish: str | None) -> None:
        said = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": said, "delta": said, "finish_reason": finish}
        usage = {"prompt_tokens": 5, "completion_tokens": 2} if finish else None
        self._data = {"choices": [choice], "usage": usage}

    def model_dump(self) -> dict[str, Any]:
        return self._data


class StatusError(Exception):
    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class Library(ModuleType):
    """``calls`` are what it was asked; ``errors`` are raised first."""

    def __init__(self) -> None:
        super().__init__("litellm")
        self.calls: list[dict[str, Any]] = []
        self.errors: list[Exception] = []
        self.is_cut = False

    def get_supported_openai_params(self, model: str) -> list[str]:
        found = ["temperature", "top_p", "stop", "max_tokens"]
        return found if "plain" in model else [*found, "n", "seed", "logprobs"]

    def supports_response_schema(self, model: str) -> bool:
        return "plain" not in model

    def supports_vision(self, model: str) -> bool:
        return False

    async def acompletion(self, **body: Any) -> Any:
        self.calls.append(body)
        if self.errors:
            raise self.errors.pop(0)
        return self._pieces() if body.get("stream") else Made("Hello", "stop")

    async def _pieces(self) -> AsyncIterator[Made]:
        yield Made("Hel", None)
        if self.is_cut:
            raise StatusError(500, "gone: secret-1")
        yield Made("lo", None)
        yield Made(None, "stop")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setitem(sys.modules, "litellm", made)
    return made


@pytest.fixture
def run(library: Library) -> Iterator[Any]:
    made: list[Runner] = []

    def go(source: str = ASK, model: str = "groq/llama", deltas: bool = False) -> Any:
        remote = open_litellm(
            model, policy=Policy(max_retries=2, first_delay_s=0.01), api_key="secret-1"
        )
        made.append(Runner(remote))
        made[-1].deltas = deltas
        return made[-1].run(source)

    go.runners = made  # type: ignore[attr-defined]  # for tests that look at the backend
    yield go
    for runner in made:
        runner.close()


@pytest.mark.parametrize("deltas", [True, False])
def test_the_library_is_asked(run: Any, library: Library, deltas: bool) -> None:
    result = run(deltas=deltas)
    assert result.error is None, result.error
    assert result.captures == {"x": "Hello"}
    (call,) = library.calls
    assert call["model"] == "groq/llama"
    assert call["messages"] == [{"role": "user", "content": "Hi."}]
    assert (call["num_retries"], call["drop_params"], call["api_key"]) == (0, False, "secret-1")
    assert run.runners[0].remote.backend.usage.input_tokens == 5


def test_it_says_what_a_provider_can_do(run: Any, library: Library) -> None:
    result = run(ASK.replace("max_tokens=9", "int(1..9)"), model="plain/model")
    assert "holds no text to int(1..9)" in str(result.error)
    assert not library.calls


def test_our_policy_tries_again(run: Any, library: Library) -> None:
    library.errors += [StatusError(429, "slow"), StatusError(503, "busy")]
    assert run().captures == {"x": "Hello"}
    assert run.runners[0].remote.backend.usage.retries == 2


def test_its_errors_are_ours_without_the_key(run: Any, library: Library) -> None:
    library.errors.append(StatusError(401, "bad key secret-1"))
    assert "LiteLLM: bad key ***" in str(run().error)
    library.is_cut = True
    error = str(run(deltas=True).error)
    assert "gone: ***" in error
    assert "a.sgl:3" in error


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ModuleNotFoundError, match=r"sglc\[litellm\]"):
        open_litellm("a/b")
