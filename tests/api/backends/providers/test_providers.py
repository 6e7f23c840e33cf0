"""Programs on providers: what is sent, what comes back, what is refused, what goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer

import sglc
from sglc.backends.remote import ServerBackend


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as made:
        yield made


@sglc.function
def ask(s: Any, question: str) -> None:
    s += sglc.system("Be brief.") + sglc.user(question)
    s += sglc.assistant(sglc.gen("answer", max_tokens=8))


def openai_reply(text: str | None, finish: str = "stop") -> Reply:
    said = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 1000, "completion_tokens": 500}
    choice = {"index": 0, "message": said, "finish_reason": finish}
    return Reply(body={"choices": [choice], "usage": usage})


def gemini_reply(text: str) -> Reply:
    content = {"role": "model", "parts": [{"text": text}]}
    return Reply(body={"candidates": [{"content": content, "finishReason": "STOP"}]})


def anthropic_reply(text: str) -> Reply:
    content = [{"type": "text", "text": text}]
    usage = {"input_tokens": 3, "output_tokens": 2}
    return Reply(body={"content": content, "stop_reason": "end_turn", "usage": usage})


# Real servers


def test_our_server_in_both_dialects(server: RunningServer) -> None:
    @sglc.function
    def chat(s: Any) -> None:
        s += sglc.system("Be brief.")
        s += sglc.user("Name a city.")
        s += sglc.assistant("A city is" + sglc.gen("city", max_tokens=4))
        forks = s.fork(2)
        for number, fork in enumerate(forks):
            fork += sglc.user(f"A number up to {number + 4}.")
            fork += sglc.assistant(sglc.gen("n", dtype=int, max_tokens=8))
        s += sglc.user(" ".join(fork["n"] for fork in forks))
        s += sglc.assistant(sglc.select("word", ["yes", "no"]))

    with (
        sglc.OpenAI(base_url=f"{server.url}/v1", emulate="validate-retry") as openai,
        sglc.Anthropic("m", base_url=server.url) as anthropic,
    ):
        states = [chat.run(backend=each, temperature=0) for each in (openai, anthropic)]
        for state in states:
            assert state.error() is None, state.error()
            assert state["word"] in ("yes", "no")
            assert [m["role"] for m in state.messages()] == [
                "system", "user", "assistant", "user", "assistant",
            ]  # fmt: skip
        assert states[0]["city"] == states[1]["city"]
        assert openai.capabilities.name == "chat of sglc"
        assert openai.token_usage.prompt_tokens > 0
        assert anthropic.token_usage.completion_tokens > 0


def test_a_batch_is_many_requests_at_once(server: RunningServer) -> None:
    with sglc.OpenAI(base_url=server.url, max_in_flight=8) as backend:
        rows = [{"question": f"What is {i}?"} for i in range(12)]
        states = ask.run_batch(rows, backend=backend, temperature=0)
        assert all(state.error() is None for state in states)
        assert backend.token_usage.requests >= 12


# What is sent

BACKENDS = {
    "openai": (
        lambda url: sglc.OpenAI("gpt-4o", base_url=f"{url}/v1", api_key="k-1", flavor="openai"),
        openai_reply,
        "/v1/chat/completions",
    ),
    "azure": (
        lambda url: sglc.OpenAI(
            "gpt-4o", is_azure=True, azure_endpoint=url, azure_deployment="d", api_version="v",
            api_key="k-1",
        ),
        openai_reply,
        "/openai/deployments/d/chat/completions?api-version=v",
    ),
    "anthropic": (
        lambda url: sglc.Anthropic("claude-haiku-4-5", base_url=url, api_key="k-1"),
        anthropic_reply,
        "/v1/messages",
    ),
    "gemini": (
        lambda url: sglc.Gemini("gemini-2.5-flash", base_url=url, api_key="k-1"),
        gemini_reply,
        "/v1beta/models/gemini-2.5-flash:generateContent",
    ),
    "vertex": (
        lambda url: sglc.VertexAI(
            "gemini-2.5-flash", base_url=url, project="p", access_token=lambda: "k-1"
        ),
        gemini_reply,
        "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash"
        ":generateContent",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKENDS)
def test_every_provider_is_asked_at_its_address(scripted: ScriptedServer, name: str) -> None:
    make, answer, path = BACKENDS[name]
    scripted.replies.append(answer("Paris"))
    with make(scripted.url) as backend:
        state = ask.run(question="France?", backend=backend)
        assert state["answer"] == "Paris"
    assert [asked for asked, _ in scripted.requests] == [path]
    assert "k-1" not in repr(backend)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_key_is_in_no_message(scripted: ScriptedServer, name: str) -> None:
    make, _, _ = BACKENDS[name]
    scripted.replies.append(Reply(401, {"error": {"message": "the key k-1 is wrong"}}))
    with make(scripted.url) as backend:
        state = ask.run(question="France?", backend=backend)
        with pytest.raises(sglc.RunFailed) as caught:
            state["answer"]
    message = str(caught.value)
    assert "the key *** is wrong; check the API key" in message
    assert f"{Path(__file__).name}:" in message
    assert "k-1" not in message
    assert len(scripted.requests) == 1


def test_nothing_is_computed_ahead_that_is_paid_for(scripted: ScriptedServer) -> None:
    scripted.answer = lambda path, body: openai_reply("Paris")
    with BACKENDS["openai"][0](scripted.url) as backend:
        assert "Be brief." in ask.cache(backend)
        assert not scripted.requests
        for _ in range(3):  # the second batch knows what the first has begun with
            ask.run_batch([{"question": "A?"}, {"question": "B?"}], backend=backend)
        assert ask.history().num_prefixes == 0
    assert len(scripted.requests) == backend.token_usage.requests == 6


def test_a_time_limit_is_that_of_the_first_text_too(scripted: ScriptedServer) -> None:
    with BACKENDS["anthropic"][0](scripted.url) as backend:
        assert (backend.policy.first_token_s, backend.policy.total_s) == (120.0, 600.0)
    with sglc.Anthropic("m", base_url=scripted.url, timeout_s=300) as backend:
        assert (backend.policy.first_token_s, backend.policy.total_s) == (300, 300)


def test_what_was_billed_has_a_price(scripted: ScriptedServer) -> None:
    scripted.replies.append(openai_reply("Paris"))
    with BACKENDS["openai"][0](scripted.url) as backend:
        ask.run(question="France?", backend=backend).sync()
        assert backend.token_usage.prompt_tokens == 1000
    assert backend.price(input=2.0, output=8.0) == pytest.approx(0.006)  # at the end too


def test_a_picture_is_sent(scripted: ScriptedServer) -> None:
    @sglc.function
    def look(s: Any) -> None:
        s += sglc.user(sglc.image(b"GIF89a") + "What is it?")
        s += sglc.assistant(sglc.gen("answer", max_tokens=8))

    for name in ("openai", "anthropic", "gemini"):
        make, answer, path = BACKENDS[name]
        scripted.replies.append(answer("A dot"))
        with make(scripted.url) as backend:
            assert look.run(backend=backend)["answer"] == "A dot"
        assert "R0lGODlh" in str(scripted.bodies(path)[-1])


def test_models_for_completions_are_known_by_name(scripted: ScriptedServer) -> None:
    choice = {"index": 0, "text": " Paris", "finish_reason": "stop"}
    scripted.replies.append(Reply(body={"data": []}))  # it is asked what it is
    scripted.replies.append(Reply(body={"choices": [choice], "usage": None}))
    with sglc.OpenAI("davinci-002", base_url=scripted.url, api_key="k-1") as backend:
        assert ask.run(question="France?", backend=backend)["answer"] == " Paris"
    (body,) = scripted.bodies("/v1/completions")
    assert body["prompt"] == "SYSTEM:Be brief.\nUSER:France?\nASSISTANT:"


# What is refused, where it stands, before anything is sent


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"regex": "[ab]+"}, "`type`.*validate-retry"),
        ({"min_p": 0.2}, "`min_p`.*leave it out"),
        ({"ignore_eos": True}, "`ignore_eos`"),
        ({"stop_token_ids": [1]}, "`stop_ids`.*as `stop`"),
        ({"return_logprob": True}, "`logprob`"),
        ({"temperature": 1.5}, "`temperature`.*1 at most"),
    ],
)
def test_a_call_is_refused_where_it_stands(
    scripted: ScriptedServer, options: dict[str, Any], part: str
) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(sglc.gen("x", **options))

    with (
        BACKENDS["anthropic"][0](scripted.url) as backend,
        pytest.raises(sglc.NotSupportedError, match=rf"test_providers.py:\d+:29: {part}"),
    ):
        program.run(backend=backend)
    assert not scripted.requests


def test_a_method_of_choosing_that_needs_scores_is_refused(scripted: ScriptedServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(
            sglc.select("x", ["a", "b"], choices_method="unconditional_likelihood_normalized")
        )

    with (
        BACKENDS["gemini"][0](scripted.url) as backend,
        pytest.raises(sglc.NotSupportedError, match=r":\d+:13: `choices_method`"),
    ):
        program.run(backend=backend)
    assert not scripted.requests


def test_samples_are_one_request(scripted: ScriptedServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(sglc.gen("x", n=3, max_tokens=9))

    choices = [
        {"index": i, "message": {"content": str(i)}, "finish_reason": "stop"} for i in range(3)
    ]
    scripted.replies.append(Reply(body={"choices": choices, "usage": None}))
    with BACKENDS["openai"][0](scripted.url) as backend:
        state = program.run(backend=backend)
        assert sorted(state["x"]) == ["0", "1", "2"]
    (body,) = scripted.bodies("/v1/chat/completions")
    assert body["n"] == 3


@pytest.mark.parametrize("emulate", [None, "validate-retry"])
def test_one_of_several_texts_that_is_of_no_type_fails_alone(
    scripted: ScriptedServer, emulate: Any
) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        forks = s.fork(3)
        forks += sglc.assistant(sglc.gen("x", type=int, max_tokens=9))
        for number, fork in enumerate(forks):
            try:
                s.set_var(f"x{number}", fork["x"])
            except sglc.RunFailed as error:
                s.set_var(f"x{number}", str(error))

    texts = ['{"value": 1}', '{"val', '{"value": 3}']
    choices = [
        {"index": i, "message": {"content": text}, "finish_reason": "stop"}
        for i, text in enumerate(texts)
    ]
    scripted.replies.append(Reply(body={"choices": choices, "usage": None}))
    scripted.replies.append(openai_reply('{"value": 2}'))
    with sglc.OpenAI(
        "gpt-4o", base_url=scripted.url, api_key="k-1", flavor="openai", emulate=emulate
    ) as backend:
        state = program.run(backend=backend)
        found = [state["x0"], state["x1"], state["x2"]]
    bodies = scripted.bodies("/v1/chat/completions")
    assert [body.get("n", 1) for body in bodies] == [3, 1][: len(bodies)]
    if emulate:
        assert found == [1, 2, 3]
        assert bodies[0]["seed"] != bodies[1]["seed"]
    else:
        assert (found[0], found[2], len(bodies)) == (1, 3, 1)
        assert "which is no int" in found[1]


def test_stop_texts_beyond_what_a_server_takes_cut_its_stream(scripted: ScriptedServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(sglc.gen("x", stop=["1", "2", "3", "4", "five"], max_tokens=9))

    def chunk(text: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}

    pieces = [chunk(each) for each in ("go fi", "ve on", " and", " on")]
    scripted.replies.append(Reply(chunks=[*pieces, "[DONE]"]))
    with BACKENDS["openai"][0](scripted.url) as backend:
        state = program.run(backend=backend)
        assert state["x"] == "go "
        assert state.get_meta_info("x")["finish_reason"] == {"type": "stop", "matched": "five"}
        assert backend.token_usage.unbilled == 1
    (body,) = scripted.bodies("/v1/chat/completions")
    assert body["stop"] == ["1", "2", "3", "4"]
    assert body["stream"] is True


def test_what_is_emulated_is_not_refused(scripted: ScriptedServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(sglc.gen("x", regex="[ab]+", max_tokens=9))

    scripted.replies += [anthropic_reply("no"), anthropic_reply("ab")]
    with sglc.Anthropic(
        "m", base_url=scripted.url, api_key="k-1", emulate="validate-retry"
    ) as backend:
        assert program.run(backend=backend)["x"] == "ab"
        assert backend.token_usage.regenerated == 1


def test_a_place_outside_of_messages_is_refused(scripted: ScriptedServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "Hi." + sglc.gen("x", max_tokens=4)

    with (
        BACKENDS["gemini"][0](scripted.url) as backend,
        pytest.raises(sglc.NotSupportedError, match="outside of all messages"),
    ):
        program.run(backend=backend)
    assert not scripted.requests


# What goes wrong


def test_a_stream_that_dies_keeps_what_came(scripted: ScriptedServer) -> None:
    def chunk(text: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}

    scripted.replies.append(Reply(chunks=[chunk("Par"), chunk("is i")], breaks=True))
    pieces: list[str] = []
    with BACKENDS["openai"][0](scripted.url) as backend:
        state = ask.run(question="France?", backend=backend, stream=True)
        with pytest.raises(sglc.RunFailed, match=r"test_providers.py:\d+.*broke off"):
            pieces.extend(state.text_iter("answer"))
        assert "".join(pieces) == "Paris i"
        assert backend.token_usage.unbilled == 1
        assert "France?" in state.text(partial=True)
    assert len(scripted.requests) == 1  # what has begun is not asked for again


def test_a_busy_server_is_asked_again(scripted: ScriptedServer) -> None:
    busy = Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "0.01"})
    scripted.replies += [busy, Reply(529, {}, {"retry-after": "0.01"}), anthropic_reply("Paris")]
    with BACKENDS["anthropic"][0](scripted.url) as backend:
        assert ask.run(question="France?", backend=backend)["answer"] == "Paris"
        assert backend.token_usage.retries == 2


def test_a_limit_of_retries_is_kept(scripted: ScriptedServer) -> None:
    scripted.replies += [Reply(429, {}, {"retry-after": "0.01"})] * 2
    with sglc.Gemini("m", base_url=scripted.url, api_key="k-1", max_retries=1) as backend:
        state = ask.run(question="France?", backend=backend)
        assert "tried 2 times" in str(state.error())


def test_a_slow_server_is_given_up(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(200, {}, pause_s=1.0))
    with sglc.Anthropic("m", base_url=scripted.url, api_key="k-1", timeout_s=0.1) as backend:
        state = ask.run(question="France?", backend=backend)
        assert "not answered within 0.1 s" in str(state.error())


def test_a_content_filter_is_an_error_and_an_empty_answer_is_none(
    scripted: ScriptedServer,
) -> None:
    scripted.replies += [openai_reply("Par", "content_filter"), openai_reply("")]
    with BACKENDS["openai"][0](scripted.url) as backend:
        assert "content filter" in str(ask.run(question="A?", backend=backend).error())
        assert ask.run(question="A?", backend=backend)["answer"] == ""


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: sglc.OpenAI("gpt-4o"), "OPENAI_API_KEY"),
        (lambda: sglc.OpenAI("gpt-4o", is_azure=True), "azure_endpoint"),
        (lambda: sglc.OpenAI(api_key="k-1"), "name the model"),
        (lambda: sglc.Anthropic("m"), "ANTHROPIC_API_KEY"),
        (lambda: sglc.Gemini("m"), "GEMINI_API_KEY"),
        (lambda: sglc.VertexAI("m"), "GOOGLE_CLOUD_PROJECT"),
        (lambda: sglc.Anthropic("m", api_key="k-1", max_retries=-1), "max_retries"),
        (lambda: sglc.OpenAI("m", api_key="k-1", flavor="odd"), "unknown flavor"),
        (lambda: sglc.OpenAI("m", api_key="k-1", requests_per_minute=0), "requests_per_minute"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, make: Any, part: str) -> None:
    for name in (
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT",
        "GCP_PROJECT_ID",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=part):
        make()


def test_keys_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k-1")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{scripted.url}/v1")
    scripted.replies += [Reply(404, {}), openai_reply("Paris")]
    with sglc.OpenAI("m") as backend:
        assert isinstance(backend, ServerBackend)
        assert backend.capabilities.name == "chat of an OpenAI-compatible server"
        assert ask.run(question="A?", backend=backend)["answer"] == "Paris"


def test_vertex_asks_the_credentials_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    class Credentials:
        valid = False
        token: str | None = None

        def refresh(self, request: object) -> None:
            self.token, self.valid = "t-1", True

    auth, transport = ModuleType("google.auth"), ModuleType("google.auth.transport.requests")
    auth.default = lambda scopes: (Credentials(), "p")  # type: ignore[attr-defined]
    transport.Request = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.auth", auth)
    monkeypatch.setitem(sys.modules, "google.auth.transport.requests", transport)
    scripted.replies += [gemini_reply("Paris"), Reply(403, {"error": {"message": "t-1: no"}})]
    with sglc.VertexAI("m", project="p", base_url=scripted.url) as backend:
        assert ask.run(question="A?", backend=backend)["answer"] == "Paris"
        assert "***: no" in str(ask.run(question="A?", backend=backend).error())


def test_litellm_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ModuleNotFoundError, match=r"sglc\[litellm\]"):
        sglc.LiteLLM("groq/llama")


def test_a_limit_of_requests_is_waited_for(scripted: ScriptedServer) -> None:
    scripted.replies += [anthropic_reply("Paris")] * 2
    with sglc.Anthropic("m", base_url=scripted.url, requests_per_minute=1) as backend:
        states = [ask.run(question=each, backend=backend) for each in ("A?", "B?")]
        assert states[0]["answer"] == "Paris"
        assert len(scripted.requests) == 1
    assert states[1].error() is not None  # it waited for its minute, and was given up
