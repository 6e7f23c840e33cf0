"""Programs on a server of SGLang's dialect, and servers that a program starts."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generators.servers import RunningServer, free_port
from generators.stopping import wait_until

import sglc
from sglc.backends.server_process import ServerStartError, flags_of
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.tokenizer.frontend_templates import get_chat_template

pytestmark = pytest.mark.timeout(120)
GREEDY: dict[str, Any] = {"temperature": 0, "max_new_tokens": 6}


@pytest.fixture(scope="module")
def endpoint(server: RunningServer) -> Iterator[sglc.RuntimeEndpoint]:
    with sglc.RuntimeEndpoint(server.url) as made:
        yield made


@sglc.function
def chat(s: Any) -> None:
    s += sglc.user("What is the capital of France?")
    s += sglc.assistant(sglc.gen("answer", max_tokens=16, temperature=0))


def test_the_template_is_that_of_the_models_path_until_it_is_set(
    endpoint: sglc.RuntimeEndpoint,
) -> None:
    assert endpoint.get_model_name() == "embedded"
    found = endpoint.get_chat_template()
    assert found is not None
    assert found.name == "default"
    assert chat.run(backend=endpoint).text().startswith("USER:What is")
    endpoint.chat_template = get_chat_template("qwen")
    state = chat.run(backend=endpoint)
    assert state.text().startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>")
    assert "Paris" in state["answer"]
    assert [m["role"] for m in state.messages()] == ["system", "user", "assistant"]
    endpoint.chat_template = found


def test_a_server_is_asked_what_it_is(endpoint: sglc.RuntimeEndpoint) -> None:
    assert endpoint.get_server_info()["model_path"] == "embedded"
    endpoint.cache_prefix("A prefix that is computed before anybody asks for more")
    assert endpoint.flush_cache()
    assert endpoint.get_server_info()["internal_states"][0]["cached_slots"] == 0
    state = chat.run(backend=endpoint).sync()
    assert endpoint.flush_cache()
    endpoint.commit_lazy_operations(state)
    assert endpoint.get_server_info()["internal_states"][0]["cached_slots"] > 0


def test_meta_info_is_what_the_server_says(endpoint: sglc.RuntimeEndpoint) -> None:
    @sglc.function
    def scored(s: Any) -> None:
        s += "The capital of France is"
        s += sglc.gen(
            "a", max_tokens=3, temperature=0, return_logprob=True, logprob_start_len=0,
            top_logprobs_num=2, return_text_in_logprobs=True,
        )  # fmt: skip
        s += sglc.select("city", choices=[" Paris", " Rome"])

    state = scored.run(backend=endpoint)
    meta = state.get_meta_info("a")
    assert len(meta["input_token_logprobs"]) == meta["prompt_tokens"] == 5
    assert [len(top) for top in meta["output_top_logprobs"]] == [2, 2, 2]
    assert "".join(row[2] for row in meta["output_token_logprobs"]) == state["a"]
    scores = state.get_meta_info("city")
    assert ["".join(t[2] for t in row) for row in scores["input_token_logprobs"]] == [
        " Paris",
        " Rome",
    ]


def test_the_local_engine_says_the_same(endpoint: sglc.RuntimeEndpoint) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Name a city.")
        s += sglc.assistant(sglc.gen("city", max_tokens=12, temperature=0))
        with s.user():
            s += "A number, please: " + sglc.gen_int("n", max_tokens=6, temperature=0)
        s += sglc.assistant(sglc.select("ok", choices=["yes", "no"]))

    with sglc.Engine(template="default", reads_specials=True, seam="canonical") as engine:
        here, there = program.run(backend=engine), program.run(backend=endpoint)
        assert here.text() == there.text()
        assert here.messages() == there.messages()


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RemoteError, match=url):
        sglc.RuntimeEndpoint(url, max_retries=0)


def test_what_the_server_cannot_do_is_refused_where_it_stands(
    endpoint: sglc.RuntimeEndpoint,
) -> None:
    @sglc.function
    def healed(s: Any) -> None:
        s += "The capital of Fr" + sglc.gen("a", healing=True)

    with pytest.raises(sglc.NotSupportedError, match=r"test_endpoint.py:\d+:36: .*healing"):
        healed.run(backend=endpoint)


def test_what_was_billed_is_counted(endpoint: sglc.RuntimeEndpoint) -> None:
    before = endpoint.token_usage
    chat.run(backend=endpoint)["answer"]
    used = endpoint.token_usage - before
    assert used.requests == 1
    assert used.input_tokens > 5
    assert 1 <= used.output_tokens <= 16


def test_an_unknown_template_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(KeyError, match="did you mean 'chatml'"):
        sglc.RuntimeEndpoint("http://127.0.0.1:9", chat_template_name="chatm")


def test_a_runtime_is_a_server_that_ends_with_shutdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runtime = sglc.Runtime(model_path="embedded", context_length=256, log_level="error")
    try:
        assert runtime.pid is not None
        sglc.set_default_backend(runtime)
        assert chat.run()["answer"]
        reply = json.loads(runtime.generate("The capital of France is", GREEDY))
        assert reply["text"].startswith(" Paris")
        assert runtime.generate_url == f"{runtime.url}/generate"
        assert runtime.endpoint.get_server_info()["context_length"] == 256

        async def read() -> str:
            pieces = runtime.async_generate("The capital of France is", GREEDY)
            return "".join([piece async for piece in pieces])

        assert asyncio.run(read()) == reply["text"]
        assert len(json.loads(runtime.encode(["a", "b"]))) == 2
        runtime.cache_prefix("A prefix")
        assert runtime.get_tokenizer().encode("Paris")
    finally:
        sglc.set_default_backend(None)
        runtime.shutdown()
    assert runtime.pid is None
    assert not list(tmp_path.iterdir())  # two of them in one folder do not share what they store


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(ServerStartError, match="no-such-model"):
        sglc.Runtime(model_path="no-such-model/anywhere")
    with pytest.raises(ServerStartError, match="--tp-sizes") as caught:
        sglc.Runtime(tp_sizes=1)
    assert len(str(caught.value).splitlines()) == 2


def test_a_port_where_another_server_answers_is_not_taken_for_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerStartError, match=f"port {port} of 127.0.0.1 cannot be had"):
            sglc.Runtime(port=port, timeout_s=5)


def test_a_server_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(ServerStartError, match=r"does not answer after 0\.01 s"):
        sglc.Runtime(timeout_s=0.01)


def test_arguments_are_flags() -> None:
    given = {"tp_size": 1, "disable_radix_cache": True, "api_key": None, "enable_metrics": False}
    assert flags_of(given) == ["--tp-size", "1", "--disable-radix-cache"]


def test_an_endpoint_that_nobody_has_lets_go_of_its_connections(server: RunningServer) -> None:
    made = sglc.RuntimeEndpoint(server.url)
    assert chat.run(backend=made)["answer"]
    remote, thread = made._remote, made.host._thread
    assert remote is not None
    assert remote.server._client is not None
    del made
    gc.collect()
    wait_until(lambda: not thread.is_alive())
    assert remote.server._client is None
