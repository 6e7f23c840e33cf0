"""SGLang's own frontend, version 0.4.1 as published, against the running server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from generators.servers import RunningServer
from generators.sglang_frontend import sglang_frontend

# what goes wrong in a program's thread is a warning; as an error it would leave the state waiting
pytestmark = [
    pytest.mark.filterwarnings("default:Error in stream_executor"),
    pytest.mark.timeout(60),
]


@pytest.fixture(scope="module")
def sgl(server: RunningServer) -> Iterator[Any]:
    """The package, with the server as its default backend and ChatML as template."""
    with sglang_frontend() as package:
        package.set_default_backend(
            package.RuntimeEndpoint(server.url, chat_template_name="chatml")
        )
        yield package


def test_a_template_is_chosen_by_name_or_by_the_models_path(
    sgl: Any, server: RunningServer
) -> None:
    endpoint = sgl.RuntimeEndpoint(server.url)
    assert endpoint.get_model_name() == "embedded"
    assert endpoint.get_chat_template().name == "default"
    assert sgl.global_config.default_backend.get_chat_template().name == "chatml"


def test_server_info_and_flush(sgl: Any) -> None:
    assert sgl.get_server_info()["model_path"] == "embedded"
    sgl.flush_cache()
    assert sgl.get_server_info()["internal_states"][0]["cached_slots"] == 0


def test_gen_writes_behind_a_text(sgl: Any) -> None:
    @sgl.function
    def capital(s: Any, country: str) -> None:
        s += f"The capital of {country} is" + sgl.gen("answer", max_tokens=4, temperature=0)

    state = capital.run(country="France")
    assert state["answer"].startswith(" Paris")
    assert state.text() == "The capital of France is" + state["answer"]
    assert state.get_meta_info("answer")["completion_tokens"] == 4
    assert state.error() is None


def test_roles_are_the_models_turns(sgl: Any) -> None:
    @sgl.function
    def chat(s: Any) -> None:
        s += sgl.system("You are brief.")
        s += sgl.user("What is the capital of France?")
        s += sgl.assistant(sgl.gen("answer", max_tokens=48, temperature=0))
        with s.user():
            s += "And of Italy?"
        s += sgl.assistant(sgl.gen("second", max_tokens=48, temperature=0))

    state = chat.run()
    for name in ("answer", "second"):
        assert "<|im_" not in state[name]
    assert state.get_meta_info("answer")["finish_reason"]["type"] == "stop"
    assert [message["role"] for message in state.messages()] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]


METHODS = (
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
)


@pytest.mark.parametrize("method", METHODS)
def test_select_by_every_method(sgl: Any, method: str) -> None:
    @sgl.function
    def pick(s: Any) -> None:
        s += "The capital of France is"
        s += sgl.select(
            "city", choices=[" Paris", " London", " Berlin"], choices_method=getattr(sgl, method)
        )

    state = pick.run()
    assert state["city"] == " Paris"
    meta = state.get_meta_info("city")
    assert len(meta["input_token_logprobs"]) == 3
    assert len(meta["normalized_prompt_logprobs"]) == 3
    assert max(meta["normalized_prompt_logprobs"]) == meta["normalized_prompt_logprobs"][0]


def test_choices_of_gen_are_a_select(sgl: Any) -> None:
    @sgl.function
    def pick(s: Any) -> None:
        s += "Is Paris in France? Answer:" + sgl.gen("yes", choices=[" yes", " no"])

    assert pick.run()["yes"] in (" yes", " no")


def test_select_from_nothing(sgl: Any) -> None:
    @sgl.function
    def pick(s: Any) -> None:
        s += sgl.select("word", choices=["The", "zebra"])

    assert pick.run()["word"] in ("The", "zebra")


def test_forks_go_on_from_the_same_text(sgl: Any) -> None:
    @sgl.function
    def tips(s: Any) -> None:
        s += "Two tips for a long life.\n"
        forks = s.fork(2)
        for number, fork in enumerate(forks):
            fork += f"Tip {number + 1}:"
            fork += sgl.gen("tip", max_tokens=6, temperature=0, stop="\n")
        forks.join()
        s += "First:" + forks[0]["tip"] + "\nSecond:" + forks[1]["tip"] + "\n"
        s += "So" + sgl.gen("end", max_tokens=4, temperature=0)

    state = tips.run()
    assert state.error() is None
    assert len(state["tip"]) == 2
    assert state["end"]


def test_a_fork_of_an_empty_state(sgl: Any) -> None:
    @sgl.function
    def start(s: Any) -> None:
        forks = s.fork(2)
        forks += "Once upon a time" + sgl.gen("story", max_tokens=4, temperature=0)
        forks.join()

    state = start.run()
    assert state.error() is None
    assert state["story"][0] == state["story"][1] != ""


def test_a_schema(sgl: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    @sgl.function
    def typed(s: Any) -> None:
        s += "JSON: " + sgl.gen("json", json_schema=json.dumps(schema), max_tokens=40)

    assert isinstance(json.loads(typed.run(temperature=0.7)["json"])["n"], int)


def test_constraints(sgl: Any) -> None:
    @sgl.function
    def typed(s: Any) -> None:
        s += "An address: " + sgl.gen(
            "ip", regex=r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}\d", max_tokens=20
        )
        s += "\nA number: " + sgl.gen_int("number", max_tokens=8)
        s += "\nA flag: " + sgl.gen("flag", dtype=bool, max_tokens=8)
        s += "\nA text: " + sgl.gen_string("words", max_tokens=24)

    state = typed.run(temperature=0.7)
    assert state.error() is None
    assert re.fullmatch(r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}\d", state["ip"])
    assert int(state["number"]) is not None
    assert state["flag"] in ("True", "False")
    assert re.fullmatch(r'"[\w\s]*"', state["words"])


def test_stop_texts(sgl: Any) -> None:
    @sgl.function
    def count(s: Any) -> None:
        s += "One, two, three," + sgl.gen("rest", stop=[",", "."], max_tokens=16, temperature=0)

    state = count.run()
    assert "," not in state["rest"]
    assert state.get_meta_info("rest")["finish_reason"]["type"] == "stop"


def test_log_probabilities(sgl: Any) -> None:
    @sgl.function
    def scored(s: Any) -> None:
        s += "The capital of France is" + sgl.gen(
            "answer",
            max_tokens=3,
            temperature=0,
            return_logprob=True,
            logprob_start_len=0,
            top_logprobs_num=2,
            return_text_in_logprobs=True,
        )

    meta = scored.run().get_meta_info("answer")
    assert len(meta["input_token_logprobs"]) == 5
    assert len(meta["output_top_logprobs"]) == 3
    assert "".join(entry[2] for entry in meta["output_token_logprobs"]).startswith(" Paris")


def test_a_batch_answers_in_order_behind_a_prefix_that_is_computed_once(sgl: Any) -> None:
    prefix = "These are questions about the capitals of countries, each answered by a name.\n"

    @sgl.function
    def capital(s: Any, country: str) -> None:
        s += prefix
        s += f"The capital of {country} is" + sgl.gen("answer", max_tokens=4, temperature=0)

    countries = ["France", "Italy", "Spain", "Japan"]
    alone = [capital.run(country=country)["answer"] for country in countries]
    sgl.flush_cache()
    states = capital.run_batch([{"country": country} for country in countries], num_threads=4)
    assert [state["answer"] for state in states] == alone
    assert all(state.get_meta_info("answer")["cached_tokens"] > 10 for state in states)
    assert capital.run_batch([]) == []


def test_cache_warms_the_constant_prefix(sgl: Any) -> None:
    @sgl.function
    def long(s: Any, word: str) -> None:
        s += "A prefix of a program, long enough to be worth it, is computed before it runs. "
        s += word + sgl.gen("rest", max_tokens=2, temperature=0)

    sgl.flush_cache()
    long.cache(sgl.global_config.default_backend)
    assert long.run(word="So")["rest"]
    assert long.run(word="So").get_meta_info("rest")["cached_tokens"] > 10


def test_streaming_yields_what_is_written(sgl: Any) -> None:
    @sgl.function
    def story(s: Any) -> None:
        s += "Once upon a time" + sgl.gen("first", max_tokens=8, temperature=0)
        s += " And then" + sgl.gen("second", max_tokens=48, temperature=0)

    whole = story.run()
    state = story.run(stream=True)
    pieces = list(state.text_iter())
    assert "".join(pieces) == whole.text()
    assert len(pieces) >= 4  # as many as came apart
    state = story.run(stream=True)
    assert "".join(state.text_iter("second")) == whole["second"]


def test_streaming_in_an_event_loop(sgl: Any) -> None:
    @sgl.function
    def story(s: Any) -> None:
        s += "Once upon a time" + sgl.gen("first", max_tokens=48, temperature=0)

    async def read() -> tuple[str, Any]:
        state = story.run(stream=True)
        pairs = [pair async for pair in state.text_async_iter("first", return_meta_data=True)]
        assert all(meta["prompt_tokens"] > 0 for _, meta in pairs)
        return "".join(text for text, _ in pairs), state

    text, state = asyncio.run(read())
    assert text == story.run()["first"]
    assert state.get_meta_info("first")["finish_reason"]["type"] == "length"


def test_a_state_is_copied_and_variables_are_set(sgl: Any) -> None:
    @sgl.function
    def copied(s: Any) -> None:
        s += "The capital of France is"
        s.set_var("note", "kept")
        with s.copy() as other:
            other += sgl.gen("answer", max_tokens=3, temperature=0)
            s.set_var("copied", other["answer"])
        s += s["copied"]

    state = copied.run()
    assert state["note"] == "kept"
    assert state["copied"].startswith(" Paris")


def test_a_refusal_is_the_error_of_the_state(sgl: Any) -> None:
    @sgl.function
    def wrong(s: Any) -> None:
        s += "x" + sgl.gen("y", temperature=-1.0)

    with pytest.warns(UserWarning, match="Error in stream_executor"):
        error = wrong.run().error()
    assert "sampling_params.temperature" in str(error)
