"""API speculative execution in chats: one prompt is billed for three fields."""

from __future__ import annotations

from typing import Any

import pytest
from generators.servers import RunningServer

import sglc

CARD = "Name: Ada\nBorn: 1815\nJob: poet\n" * 3
FIELDS = ("name", "age", "city")


def card(s: Any, text: str) -> None:
    s += sglc.user(text + "Repeat the card.")
    s += sglc.assistant(
        '{"name": "'
        + sglc.gen("name", stop='"')
        + '", "age": '
        + sglc.gen("age", stop=",")
        + ', "city": "'
        + sglc.gen("city", stop='"')
        + '"}'
    )


def run(program: sglc.Function, server: RunningServer, flavor: str) -> tuple[Any, Any]:
    """Return the fields and what our server has billed for them."""
    with sglc.OpenAI(base_url=server.url, flavor=flavor, max_retries=0) as backend:
        state = program.run(CARD, backend=backend, temperature=0, max_new_tokens=24)
        assert state.error() is None, state.error()
        return {name: state[name] for name in FIELDS}, backend.token_usage


@pytest.mark.parametrize("flavor", ["sglc", "compatible"])
def test_one_prompt_is_billed_for_three_fields(server: RunningServer, flavor: str) -> None:
    """``compatible`` begins every message anew: there it is the only way."""
    fields, plain = run(sglc.function(card), server, "sglc")
    ahead = sglc.function(num_api_spec_tokens=64)(card)
    found, spent = run(ahead, server, flavor)
    assert found == fields
    assert (plain.requests, spent.requests, spent.saved_requests) == (3, 1, 2)
    assert plain.input_tokens >= 2.5 * spent.input_tokens


def test_without_it_the_call_is_refused_where_it_stands(server: RunningServer) -> None:
    with (
        sglc.OpenAI(base_url=server.url, flavor="compatible") as backend,
        pytest.raises(sglc.NotSupportedError, match=r":\d+:\d+: `gen`.*spec_tokens"),
    ):
        sglc.function(card).run(CARD, backend=backend)


def test_a_read_in_between_changes_nothing(server: RunningServer) -> None:
    @sglc.function(num_api_spec_tokens=64)
    def stepwise(s: Any, text: str) -> None:
        s += sglc.user(text + "Repeat the card.") + sglc.assistant_begin()
        s += '{"name": "' + sglc.gen("name", stop='"')
        assert s["name"]
        s += '", "age": ' + sglc.gen("age", stop=",")
        assert s["age"]
        s += ', "city": "' + sglc.gen("city", stop='"') + sglc.assistant_end()

    fields, _ = run(sglc.function(card), server, "sglc")
    found, spent = run(stepwise, server, "compatible")
    assert found == fields
    assert spent.requests == 1


def test_the_number_is_checked() -> None:
    with pytest.raises(ValueError, match="num_api_spec_tokens must be at least 1"):
        sglc.function(num_api_spec_tokens=0)(card)


def test_log_probabilities_are_those_of_the_servers_tokens(server: RunningServer) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("Hi.")
        s += sglc.assistant(
            sglc.gen("x", max_tokens=4, return_logprob=True, return_text_in_logprobs=True)
        )

    for is_chat in (True, False):
        with sglc.OpenAI(base_url=server.url, is_chat_model=is_chat) as backend:
            state = program.run(backend=backend, temperature=0)
            assert state.error() is None, state.error()
            meta = state.get_meta_info("x")
            assert meta["completion_tokens"] == 4
            assert meta["finish_reason"] == {"type": "length", "length": 4}
            assert meta["prompt_tokens"] == backend.token_usage.prompt_tokens
            rows = meta["output_token_logprobs"]
            assert "".join(text for _, _, text in rows) == state["x"]
            assert all(value <= 0 for value, _, _ in rows)


def test_what_was_there_already_has_its_log_probabilities_too(server: RunningServer) -> None:
    @sglc.function(num_api_spec_tokens=16)
    def program(s: Any) -> None:
        s += sglc.user("Hi.") + sglc.assistant_begin()
        s += sglc.gen("a", stop=" ", return_logprob=True)
        s += " " + sglc.gen("b", stop=" ", return_logprob=True) + sglc.assistant_end()

    with sglc.OpenAI(base_url=server.url, flavor="compatible") as backend:
        state = program.run(backend=backend, temperature=0)
        assert state.error() is None, state.error()
        assert backend.token_usage.requests == 1
        for name in "ab":
            meta = state.get_meta_info(name)
            assert len(meta["output_token_logprobs"]) == meta["completion_tokens"] > 0
            assert meta["finish_reason"] == {"type": "stop", "matched": " "}
