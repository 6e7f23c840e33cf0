"""``Engine.generate``: what SGLang's engine answers, without a server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer

import sglc

GREEDY = {"temperature": 0, "max_new_tokens": 6}
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def engine() -> Iterator[sglc.Engine]:
    with sglc.Engine() as made:
        yield made


def _served(server: RunningServer, body: dict[str, Any]) -> Any:
    reply = httpx2.post(f"{server.url}/generate", json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.json()


def _known(meta: dict[str, Any]) -> dict[str, Any]:
    """What of ``meta_info`` does not depend on the name of a request, or on what came before it."""
    return {k: v for k, v in meta.items() if k not in ("id", "cached_tokens")}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return {k: _rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"return_logprob": True},
        {"return_logprob": True, "logprob_start_len": 0, "top_logprobs_num": 2},
        {"return_logprob": True, "logprob_start_len": 2, "return_text_in_logprobs": True},
    ],
)
@pytest.mark.parametrize(
    "params",
    [
        GREEDY,
        {**GREEDY, "max_new_tokens": 0},
        {**GREEDY, "max_new_tokens": 20, "stop": "."},
        {**GREEDY, "max_new_tokens": 20, "stop": ["."], "no_stop_trim": True},
        {**GREEDY, "regex": "[A-Z][a-z]{2,5}"},
        {**GREEDY, "max_new_tokens": 20, "json_schema": '{"enum": ["Paris", {"in": "Paris"}]}'},
    ],
)
def test_a_reply_is_that_of_a_server(
    engine: sglc.Engine, server: RunningServer, params: dict[str, Any], more: dict[str, Any]
) -> None:
    prompt = "<|im_start|>user\nThe capital of France is"
    ours = engine.generate(prompt, params, **more)
    theirs = _served(server, {"text": prompt, "sampling_params": params, **more})
    assert ours["text"] == theirs["text"]
    assert _rounded(_known(ours["meta_info"])) == _rounded(_known(theirs["meta_info"]))


def test_token_ids_are_a_prompt_too(engine: sglc.Engine) -> None:
    ids = engine.get_tokenizer().encode("The capital of France is")
    by_ids = engine.generate(input_ids=ids, sampling_params=GREEDY)
    assert by_ids["text"] == engine.generate("The capital of France is", GREEDY)["text"]
    both = engine.generate(input_ids=[ids, ids[:3]], sampling_params=GREEDY)
    assert [reply["meta_info"]["prompt_tokens"] for reply in both] == [len(ids), 3]


def test_lists_are_answered_in_their_order(engine: sglc.Engine) -> None:
    prompts = ["The capital of France is", "The capital of Japan is"]
    replies = engine.generate(prompts, [GREEDY, {**GREEDY, "max_new_tokens": 2}])
    alone = [engine.generate(prompt, GREEDY)["text"] for prompt in prompts]
    assert replies[0]["text"] == alone[0]
    assert alone[1].startswith(replies[1]["text"])
    assert replies[1]["meta_info"]["completion_tokens"] == 2
    assert len(engine.generate(prompts[:1], GREEDY)) == 1


def test_samples_differ_and_seeds_repeat_them(engine: sglc.Engine) -> None:
    params = {"temperature": 1.2, "max_new_tokens": 12, "n": 3}
    first = [reply["text"] for reply in engine.generate("Once", params)]
    assert len(set(first)) == 3
    assert [reply["text"] for reply in engine.generate("Once", params)] != first
    seeded = {**params, "sampling_seed": 7}
    assert [r["text"] for r in engine.generate("Once", seeded)] == [
        r["text"] for r in engine.generate("Once", seeded)
    ]


def test_what_is_cached_is_told(engine: sglc.Engine) -> None:
    engine.flush_cache()
    prompt = "A prompt that nobody has sent before, I think"
    first = engine.generate(prompt, GREEDY)["meta_info"]
    again = engine.generate(prompt, GREEDY)["meta_info"]
    assert first["cached_tokens"] == 0
    assert again["cached_tokens"] >= again["prompt_tokens"] - 1 > 5


def test_a_stream_is_the_text_piece_by_piece(engine: sglc.Engine) -> None:
    params = {**GREEDY, "max_new_tokens": 24}
    whole = engine.generate("Once upon a time", params)
    pieces = list(engine.generate("Once upon a time", params, stream=True))
    assert "".join(piece["text"] for piece in pieces) == whole["text"]
    assert len(pieces) > 3
    assert pieces[0]["meta_info"]["finish_reason"] is None
    assert _known(pieces[-1]["meta_info"]) == _known(whole["meta_info"])
    numbered = list(engine.generate(["Once", "Twice"], params, stream=True))
    assert {piece["index"] for piece in numbered} == {0, 1}


def test_a_stream_that_is_left_stops_what_is_written(engine: sglc.Engine) -> None:
    params = {"max_new_tokens": 1500, "ignore_eos": True}
    for _ in engine.generate("Once upon a time", params, stream=True):
        break
    while engine.ask(lambda: engine._loaded.scheduler.snapshot().running):
        pass


def test_tasks_of_asyncio(engine: sglc.Engine) -> None:
    async def ask() -> tuple[Any, str]:
        one, two = await asyncio.gather(
            engine.async_generate("The capital of France is", GREEDY),
            engine.async_generate(["The capital of Japan is"], GREEDY),
        )
        assert len(two) == 1
        pieces = await engine.async_generate("The capital of France is", GREEDY, stream=True)
        return one, "".join([piece["text"] async for piece in pieces])

    one, streamed = asyncio.run(ask())
    assert one["text"] == streamed == engine.generate("The capital of France is", GREEDY)["text"]


def test_embeddings(engine: sglc.Engine) -> None:
    one = engine.encode("Paris")
    assert math.isclose(sum(x * x for x in one["embedding"]), 1.0, abs_tol=1e-5)
    two = engine.encode(["Paris", "a very different text"])
    assert two[0]["embedding"] == pytest.approx(one["embedding"], abs=1e-5)
    assert two[1]["embedding"] != two[0]["embedding"]
    assert two[1]["meta_info"]["prompt_tokens"] >= 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either prompt or input_ids"),
        ({"prompt": "x", "input_ids": [1]}, "give either prompt or input_ids"),
        ({"prompt": "x", "sampling_params": {"max_tokens": 3}}, "did you mean `max_new_tokens`?"),
        ({"prompt": "x", "sampling_params": {"num_api_spec_tokens": 3}}, "no sampling parameter"),
        ({"prompt": "x", "sampling_params": {"temperature": -1}}, "temperature must be at least 0"),
        (
            {"prompt": "x", "sampling_params": {"regex": "("}},
            "unterminated subpattern at position 0",
        ),
        ({"prompt": ["x"], "sampling_params": [{}, {}]}, "has 2 values for 1 prompts"),
        ({"prompt": "x", "lora_path": "a"}, "an engine has no adapters"),
        ({"prompt": "x", "sampling_params": {"skip_special_tokens": False}}, "always True"),
    ],
)
def test_wrong_arguments_are_refused(
    engine: sglc.Engine, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        engine.generate(**arguments)


def test_a_prompt_that_is_too_long_says_so(engine: sglc.Engine) -> None:
    with pytest.raises(sglc.RunFailed, match=r"context|tokens|characters"):
        engine.generate("word " * 5000, GREEDY)


def test_options_are_those_of_servers() -> None:
    with pytest.raises(TypeError, match="did you mean `context_length`"):
        sglc.Engine(context_lenght=64)
    with pytest.raises(ValueError, match="tp_size cannot be 2: an engine computes on one device"):
        sglc.Engine(tp_size=2)
    with sglc.Engine(
        context_length=64, max_total_tokens=512, tp=1, log_level="error", disable_radix_cache=True,
        mem_fraction_static=None, chunked_prefill_size=-1,
    ) as engine:  # fmt: skip
        info = engine.get_server_info()
        assert (info["context_length"], info["model_path"]) == (64, "embedded")
        assert engine.generate("Once", GREEDY)["text"]
