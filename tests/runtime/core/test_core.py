"""Parameters and scripts refuse what has no meaning, and say which field."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest
from sglc.runtime.core.stats import Counters
from sglc.runtime.core.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("inf")),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", 0),
        ("top_k", -2),
        ("min_p", 1.5),
        ("frequency_penalty", 2.5),
        ("presence_penalty", -2.5),
        ("repetition_penalty", 0.0),
        ("min_new_tokens", -1),
        ("logit_bias", ((1, 0.0), (1, 2.0))),
        ("logit_bias", ((1, float("inf")),)),
    ],
)
def test_sampling_params_name_the_bad_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        SamplingParams(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_tokens", 0), ("key", -1), ("key", 2**64), ("stop", ("",)), ("num_logprobs", -1)],
)
def test_decode_names_the_bad_field(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"max_tokens": 1, name: value}
    with pytest.raises(ValueError, match=name):
        Decode(**arguments)


def test_decode_refuses_more_tokens_than_it_may_make() -> None:
    with pytest.raises(ValueError, match="min_new_tokens must be at most max_tokens"):
        Decode(2, SamplingParams(min_new_tokens=3))


@pytest.mark.parametrize("op", [Decode(1), Score(((1,),)), Embed()])
def test_a_script_begins_with_tokens(op: Any) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        StreamRequest((Extend(()), op))
    assert StreamRequest((Extend(()), Extend((1,)), op)).priority == 0


def test_a_score_has_choices() -> None:
    with pytest.raises(ValueError, match="choices"):
        Score(())


def test_vocabulary_is_padded() -> None:
    assert Vocabulary.of([b"a"], [0], vocab_size=3).token_bytes == (b"a", b"", b"")


def test_counters_by_name() -> None:
    assert Counters(decoded_tokens=3).as_dict()["decoded_tokens"] == 3


def test_core_needs_no_tensor_library() -> None:
    modules = [
        "script",
        "events",
        "backend",
        "batch",
        "vocabulary",
        "stats",
        "sampling",
    ]
    code = "; ".join(f"import sglc.runtime.core.{name}" for name in modules)
    code += "; import sglc.runtime.engine.naive_backend, sglc.runtime.config, sys"
    code += "; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
