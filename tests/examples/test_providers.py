"""The examples for providers, as written, on servers that answer from a script."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from generators.scripted_http import Reply, ScriptedServer

import sglc

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


def openai(*texts: str) -> list[Reply]:
    usage = {"prompt_tokens": 10, "completion_tokens": 10}
    return [
        Reply(
            body={
                "choices": [{"index": 0, "message": {"content": each}, "finish_reason": "stop"}],
                "usage": usage,
            }
        )
        for each in texts
    ]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server, and an environment in which it is every provider."""
    with ScriptedServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("OPENAI", "AZURE_OPENAI", "ANTHROPIC", "GEMINI"):
            monkeypatch.setenv(f"{name}_API_KEY", "k")
        gemini = sglc.Gemini
        monkeypatch.setattr(
            sglc, "Gemini", lambda model: gemini(model, base_url=server.url, max_in_flight=1)
        )
        yield server


def run(capsys: pytest.CaptureFixture[str], name: str) -> str:
    runpy.run_path(str(EXAMPLES / f"{name}.py"))
    return capsys.readouterr().out


def test_openai_chat(scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    scripted.replies += [Reply(404, {}), *openai("Paris.", "The tower.")]
    assert run(capsys, "openai_chat") == (
        "system: You are a helpful assistant.\nuser: What is the capital of France?\n"
        "assistant: Paris.\nuser: List two sights.\nassistant: The tower.\n0.000015 dollars\n"
    )


def test_openai_extraction(scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    scripted.replies += [Reply(404, {}), *openai("Name: Ada\nBorn: 1815\nJob: programmer")]
    assert run(capsys, "openai_extraction") == " Ada| 1815| programmer\n1 request\n"


def test_azure_chat(scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    scripted.replies += openai("Paris.")
    assert run(capsys, "azure_chat") == "Paris.\n"


def test_anthropic_card(scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    card = {"name": "Hermione", "house": "Gryffindor", "age": 17}
    call = {"type": "tool_use", "id": "t", "name": "answer", "input": card}
    usage = {"input_tokens": 3, "output_tokens": 2}
    scripted.replies.append(
        Reply(body={"content": [call], "stop_reason": "tool_use", "usage": usage})
    )
    shown = "Character(name='Hermione', house='Gryffindor', age=17)\n"
    assert run(capsys, "anthropic_card") == shown


def test_gemini_choice(scripted: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(path: str, body: Any) -> Reply:
        verdict = "positive" if "loved" in str(body) else "negative"
        content = {"role": "model", "parts": [{"text": f'{{"value": "{verdict}"}}'}]}
        return Reply(body={"candidates": [{"content": content, "finishReason": "STOP"}]})

    scripted.answer = answer
    assert run(capsys, "gemini_choice") == "positive\nnegative\n"


def test_litellm_chat(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Chunk:
        def __init__(self, text: str, finish: str | None) -> None:
            self._choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}

        def model_dump(self) -> dict[str, Any]:
            return {"choices": [self._choice]}

    async def chunks() -> Any:
        yield Chunk("Par", None)
        yield Chunk("is", "stop")

    async def acompletion(**_: Any) -> Any:
        return chunks()

    library: Any = ModuleType("litellm")
    library.acompletion = acompletion
    library.get_supported_openai_params = lambda model: ["temperature", "top_p", "stop"]
    library.supports_response_schema = library.supports_vision = lambda model: False
    monkeypatch.setitem(sys.modules, "litellm", library)
    assert run(capsys, "litellm_chat") == "Paris\n"


def test_every_example_of_a_provider_is_run() -> None:
    """The names of the tests are those of the files."""
    providers = ("OpenAI(", "Anthropic(", "Gemini(", "VertexAI(", "LiteLLM(")
    files = {
        path.stem
        for path in EXAMPLES.glob("*.py")
        if any(f"sglc.{each}" in path.read_text() for each in providers)
    }
    assert len(files) >= 6
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert files <= tested
