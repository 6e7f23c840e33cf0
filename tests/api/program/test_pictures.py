"""Pictures in prompts: what is sent for them, and what is refused."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend, Made
from sglc.compiler.plan.segments import Media, RoleBegin, RoleEnd, Text, messages_of
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.remote.templates import TEXT_CHATML
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

PNG = b"\x89PNG\r\n\x1a\nrest"


@sglc.function
def image_qa(s: Any, *images: object) -> None:
    s += sglc.user("Look: " + _sum(images) + " What is it?")
    s += sglc.assistant(sglc.gen("answer"))


def _sum(images: tuple[object, ...]) -> Any:
    total: Any = ""
    for each in images:
        total = total + sglc.image(each)  # type: ignore[arg-type]
    return total


def _seeing(prompts: list[str]) -> Backend:
    """A backend whose vocabulary has pictures, and that keeps the prompts that it is asked."""
    tokenizer = RemoteTokenizer()

    class Watched(ScriptedBackend):
        def submit(self, request: Any) -> int:
            prompts.append(tokenizer.text_of(request.sequence)[0])
            return super().submit(request)

    def make(wake: threading.Event) -> Made:
        encoder = PromptEncoder(tokenizer, TEXT_CHATML)
        return Executor(Watched({"answer": "A cat."}, tokenizer), encoder, wake=wake), encoder

    return Backend(make, name="seeing")


def test_two_pictures_stand_where_they_were_put(tmp_path: Path) -> None:
    (tmp_path / "dog.png").write_bytes(PNG)
    prompts: list[str] = []
    with _seeing(prompts) as backend:
        state = image_qa.run("http://host/cat.jpg", tmp_path / "dog.png", backend=backend)
        content = state.messages()[0]["content"]
        assert [part["type"] for part in content] == ["text", "image_url", "image_url", "text"]
        assert content[1]["image_url"]["url"] == "http://host/cat.jpg"
        assert content[2]["image_url"]["url"].startswith("data:image/png;base64,")
        assert "Look: <image><image> What is it?" in state.text()
    assert "Look: <image><image> What is it?" in prompts[0]


def test_a_model_of_text_refuses_a_picture_with_the_line() -> None:
    with sglc.mock(answer="x") as backend:
        state = image_qa.run(PNG, backend=backend)
        with pytest.raises(sglc.RunFailed, match=r"test_pictures.py:\d+:\d+: the model takes text"):
            state["answer"]


@pytest.mark.parametrize(
    ("wrong", "message"), [("no/such.png", "cannot be read"), (b"plain text", "no image")]
)
def test_what_is_no_picture_is_refused_at_once(wrong: object, message: str) -> None:
    with sglc.mock(answer="x") as backend, pytest.raises(ValueError, match=message):
        image_qa.run(wrong, backend=backend)


def test_a_message_without_pictures_is_text() -> None:
    picture = Media("<|image 0|>", "image", "http://host/a.png", "<image>")
    segments = (
        RoleBegin("user"),
        Text("a"),
        Text("b"),
        RoleEnd("user"),
        RoleBegin("user"),
        picture,
    )
    assert messages_of(segments) == [
        {"role": "user", "content": "ab"},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "http://host/a.png"}}],
        },
    ]
