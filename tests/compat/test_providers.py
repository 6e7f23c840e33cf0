"""The providers of SGLang's names: what prompts look like, and what is sent of them."""

from __future__ import annotations

from typing import Any

import pytest
from generators.recording_proxy import RecordingProxy

from sglc.compat import sgl
from sglc.compat.chat_template import get_chat_template

WAYS = ["run", "stream"]


@sgl.function
def ask(s: Any) -> None:
    s += sgl.user("Hi.")
    s += sgl.assistant(sgl.gen("answer", max_tokens=4, temperature=0))
    with s.user():
        s += "Bye."


def openai_at(proxy: RecordingProxy, **options: Any) -> Any:
    return sgl.OpenAI("embedded", base_url=f"{proxy.url}/v1", api_key="k", timeout=60, **options)


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_is_told_by_the_template_of_the_model(proxy: RecordingProxy, way: str) -> None:
    with openai_at(proxy) as backend:
        state = ask.run(backend=backend, stream=way == "stream")
        said = "".join(state.text_iter()) if way == "stream" else state.text()
        assert said == f"USER:Hi.\nASSISTANT:{state['answer']}\nUSER:Bye.\n"
        assert [each["role"] for each in state.messages()] == ["user", "assistant", "user"]
        assert backend.get_chat_template() is get_chat_template("default")
    (body,) = proxy.chats
    assert body["messages"] == [{"role": "user", "content": "Hi."}]


def test_a_template_is_named_and_its_system_message_is_sent(proxy: RecordingProxy) -> None:
    with openai_at(proxy, is_chat_model=True, chat_template=get_chat_template("qwen")) as backend:
        state = ask.run(backend=backend)
        system = {"role": "system", "content": "You are a helpful assistant."}
        assert state.messages()[0] == system
        assert state.text().startswith(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi."
        )
    (body,) = proxy.chats
    assert body["messages"] == [system, {"role": "user", "content": "Hi."}]


def test_without_a_template_borders_have_their_names(proxy: RecordingProxy) -> None:
    with openai_at(proxy) as backend:
        backend.chat_template = None
        state = ask.run(backend=backend)
        assert state.text().startswith("<|user|>Hi.<|end|><|assistant|>")


def test_anthropic_and_google_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCP_PROJECT_ID", "p")
    with (
        sgl.Anthropic("claude-3-haiku", api_key="k", timeout=5) as claude,
        sgl.VertexAI("gemini-2.5-flash", access_token="t") as google,
    ):
        assert claude.get_chat_template() is get_chat_template("claude")
        assert google.get_chat_template() is get_chat_template("default")
        assert claude.policy.total_s == 5
