"""Where a text ends and what of it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from generators.native_client import FRANCE, NativeClient
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.runtime.models.files import load_files
from sglc.runtime.tokenizer.token_rows import TokenTexts
from sglc.server.native.output import with_specials

TOKENIZER = load_files("embedded").tokenizer
LONG = "One, two, three, four,"


def test_a_stop_string_ends_the_text_and_is_not_in_it(native: NativeClient) -> None:
    free = native.greedy(LONG, 16)["text"]
    stop = free[5:8]
    reply = native.greedy(LONG, 16, params={"stop": stop})
    assert reply["text"] == free[: free.index(stop)]
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": stop}
    kept = native.greedy(LONG, 16, params={"stop": ["never there", stop], "no_stop_trim": True})
    assert kept["text"] == free[: free.index(stop)] + stop


def test_a_stop_token_ends_the_text(native: NativeClient) -> None:
    ids = native.greedy(LONG, 8)["output_ids"]
    stop = next(token for token in ids[2:] if token not in ids[:2])
    reply = native.greedy(LONG, 8, params={"stop_token_ids": [stop]})
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": stop}
    assert reply["output_ids"] == ids[: ids.index(stop) + 1]
    kept = native.greedy(LONG, 8, params={"stop_token_ids": [stop], "no_stop_trim": True})
    assert kept["text"].startswith(reply["text"])
    assert len(kept["text"]) > len(reply["text"])


CHAT = "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n"


def test_the_end_of_a_turn_ends_the_text_unless_it_is_ignored(native: NativeClient) -> None:
    reply = native.greedy(CHAT, 64)
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": 2}
    assert reply["output_ids"][-1] == 2
    ignoring = native.greedy(CHAT, 64, params={"ignore_eos": True})
    assert ignoring["meta_info"]["completion_tokens"] == 64
    assert ignoring["output_ids"][: len(reply["output_ids"])] == reply["output_ids"]


def test_special_tokens_are_shown_if_asked_for(native: NativeClient) -> None:
    trimmed = native.greedy(CHAT, 64)
    kept = native.greedy(CHAT, 64, params={"skip_special_tokens": False, "no_stop_trim": True})
    assert kept["text"] == trimmed["text"] + "<|im_end|>"
    assert native.greedy(CHAT, 64, params={"no_stop_trim": True})["text"] == trimmed["text"]
    assert native.greedy(CHAT, 64, params={"skip_special_tokens": False})["text"] == trimmed["text"]
    beyond = {"ignore_eos": True, "skip_special_tokens": False}
    shown = native.greedy(CHAT, 64, params=beyond)["text"]
    assert shown.startswith(trimmed["text"] + "<|im_end|>")
    events = native.stream(
        text=CHAT, sampling_params={"temperature": 0, "max_new_tokens": 64, **beyond}
    )
    assert events[-1]["text"] == shown
    assert all(shown.startswith(event["text"]) for event in events)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_special_names_stand_where_their_tokens_do(data: st.DataObject) -> None:
    tokenizer = TOKENIZER
    texts = TokenTexts(tokenizer)
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1) | st.integers(0, 2)))
    plain, whole = "", ""
    run: list[int] = []
    for token in [*ids, None]:
        if token is None or texts.is_special(token):
            plain += tokenizer.decode(run)
            whole += tokenizer.decode(run) + ("" if token is None else texts.text_of(token))
            run = []
        else:
            run.append(token)
    assert with_specials(plain, ids, texts) == whole
    for size in range(len(plain)):
        assert whole.startswith(with_specials(plain[:size], ids, texts))


def test_min_new_tokens_keeps_a_text_from_ending(native: NativeClient) -> None:
    short = native.greedy(CHAT, 64)["meta_info"]["completion_tokens"]
    held = native.greedy(CHAT, 64, params={"min_new_tokens": short + 3})
    assert held["meta_info"]["completion_tokens"] >= short + 3


def test_logit_bias_forbids_and_forces(native: NativeClient) -> None:
    first = native.greedy(max_new_tokens=1)["output_ids"][0]
    assert native.greedy(max_new_tokens=1, params={"logit_bias": {str(first): -100}})[
        "output_ids"
    ] != [first]
    assert native.greedy(max_new_tokens=2, params={"logit_bias": {"300": 100}})["output_ids"] == [
        300,
        300,
    ]


def test_a_constraint_holds_the_text(native: NativeClient) -> None:
    number = native.greedy(params={"regex": "[0-9]{3}"})
    assert len(number["text"]) == 3
    assert number["text"].isdigit()
    tree = native.greedy(params={"ebnf": 'root ::= "(" (root | [0-9])* ")"'}, max_new_tokens=24)
    assert tree["text"].count("(") == tree["text"].count(")") > 0
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
    reply = native.greedy(params={"json_schema": schema}, max_new_tokens=64)
    assert reply["text"].startswith("{")
    assert reply["meta_info"]["finish_reason"]["type"] == "stop"


def test_a_stop_string_ends_json_that_nests_without_end(native: NativeClient) -> None:
    params = {"json_schema": '{"type": "object"}', "stop": ["{", ":"]}
    reply = native.greedy(params=params, max_new_tokens=64)
    assert reply["text"] == ""
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": "{"}


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"regex": "("}, "missing )"),
        ({"json_schema": "{"}, "json_schema"),
        ({"regex": "a", "json_schema": "{}"}, "exclude"),
        ({"regex": "a{200}"}, "takes"),
        ({"ebnf": "root ::= none"}, "line 1: there is no rule none"),
    ],
)
def test_a_constraint_that_cannot_be_held_is_refused(
    native: NativeClient, params: dict[str, Any], word: str
) -> None:
    for stream in (False, True):
        error = native.error(
            text=FRANCE, sampling_params={**params, "max_new_tokens": 8}, stream=stream
        )
        assert word in error["message"]
        assert error["param"] in [f"sampling_params.{name}" for name in params]
