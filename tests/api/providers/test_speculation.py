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
        pytest.raises(sglc.NotSupportedError, match=r"test_speculation.py:\d+: `gen`.*spec_tokens"),
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
