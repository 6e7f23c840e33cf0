"""docs/python.md: its examples run as they stand there, one behind another."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pydantic
import pytest
from generators.servers import RunningServer

import sglc

TEXT = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = [
    (TEXT.count("\n", 0, found.start()) + 1, found[1])
    for found in re.finditer(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
]
AGENT = """tool read_file(path: str) -> str

prompt agent(path: str) -> str:
    "The file is: {read_file(path)}"
    return read_file(path)
"""
HOUSE_STYLE = 'prompt house_style(tone: str):\n    "Write in a {tone} tone.\\n"\n'


@sglc.function
def chat(s: Any, question: str) -> None:
    s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=4))


@pytest.fixture
def names(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """What the examples take for given: names, files, the address of OpenAI, a default backend."""
    judge = Path(__file__).parents[2] / "examples" / "judge.sgl"
    (tmp_path / "judge.sgl").write_text(f"{judge.read_text()}\n{HOUSE_STYLE}")
    (tmp_path / "agent.sgl").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    questions = ["What is the capital of France?", "How much is 1 + 1?"]
    engines: list[sglc.Engine] = []

    def engine(*args: Any, **options: Any) -> sglc.Engine:
        engines.append(sglc.Engine(*args, **options))
        return engines[-1]

    shown = type(sglc)("sglc")  # so that the engines of the examples end with them
    monkeypatch.setattr(shown, "__getattr__", lambda name: getattr(sglc, name), raising=False)
    monkeypatch.setattr(shown, "Engine", engine, raising=False)
    yield {
        "sglc": shown, "chat": chat, "questions": questions, "pydantic": pydantic, "Path": Path,
        "Literal": Literal, "rows": [{"question": each} for each in questions],
    }  # fmt: skip
    sglc.set_default_backend(None)
    for each in engines:
        each.shutdown()


@pytest.mark.timeout(120)
def test_the_examples_run(names: dict[str, Any]) -> None:
    assert len(BLOCKS) >= 10
    names["__name__"] = "examples"
    for line, source in BLOCKS:
        runs = source.replace("import sglc\n", "\n")
        file = f"docs/python.md:{line}"
        linecache.cache[file] = (len(runs), None, runs.splitlines(keepends=True), file)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(runs, file, "exec", flags, dont_inherit=True)
        waiting = eval(code, names)
        if inspect.isawaitable(waiting):
            asyncio.run(_finish(waiting))
        if "def tips(" in source:
            assert names["tips"].run(max_new_tokens=4).text().startswith("Two tips")
    assert names["verdict"].grade in ("A", "B", "C", "D")
    agent = names["agent"]
    assert agent("judge.sgl") == (Path.cwd() / "judge.sgl").read_text()


async def _finish(waiting: Any) -> None:
    await waiting


def test_the_prompt_that_is_included_is_said(names: dict[str, Any]) -> None:
    judge = sglc.load("judge.sgl")

    @sglc.function
    def kind(s: Any) -> None:
        s.include(judge.house_style, tone="kind")

    assert kind.run(backend=sglc.mock()).text() == "Write in a kind tone.\n"
