"""Options of a model call: each of them does what it says, or is refused where it is given."""

from __future__ import annotations

import math
from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.program import gen_options
from sglc.program.gen_options import run_options
from sglc.runtime.executor import selects


def test_n_samples_are_a_list_and_the_first_of_them_stays(hashed: Backend) -> None:
    @sglc.function
    def sampled(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=6, n=3, ignore_eos=True)
        s += "|" + sglc.gen("b", max_tokens=4)

    state = sampled.run(backend=hashed)
    assert len(set(state["a"])) == 3
    assert state.text() == f"x{state['a'][0]}|{state['b']}"
    assert [meta["completion_tokens"] for meta in state.get_meta_info("a")] == [6, 6, 6]


def test_one_of_n_samples_is_a_list_too_and_typed(hashed: Backend) -> None:
    from sglc.constraints.types import Int

    @sglc.function
    def typed(s: Any) -> None:
        s += "n=" + sglc.gen("n", type=Int(1, 10), n=1)

    state = typed.run(backend=hashed)
    assert state["n"][0] in range(1, 11)
    assert state.text() == f"n={state['n'][0]}"


def test_min_tokens_and_ignore_eos_outlast_an_end(hashed: Backend) -> None:
    @sglc.function
    def written(s: Any, **options: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=400, **options)

    plain = written.run(backend=hashed).get_meta_info("a")
    assert plain["finish_reason"]["type"] == "stop"
    least = plain["completion_tokens"] + 5
    longer = written.run(backend=hashed, min_tokens=least).get_meta_info("a")
    assert longer["completion_tokens"] >= least
    forever = written.run(backend=hashed, ignore_eos=True).get_meta_info("a")
    assert forever["finish_reason"] == {"type": "length", "length": 400}


def test_a_stop_token_ends_a_text_and_is_no_part_of_it(hashed: Backend) -> None:
    @sglc.function
    def written(s: Any, **options: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=40, ignore_eos=True, return_logprob=True, **options)

    ids = [
        row[1] for row in written.run(backend=hashed).get_meta_info("a")["output_token_logprobs"]
    ]
    stop = ids[3]
    state = written.run(backend=hashed, stop_token_ids=[stop])
    meta = state.get_meta_info("a")
    assert meta["finish_reason"] == {"type": "stop", "matched": stop}
    assert [row[1] for row in meta["output_token_logprobs"]] == ids[: ids.index(stop) + 1]


def test_log_probabilities_of_text_and_prompt(hashed: Backend) -> None:
    prompt = "Once upon"

    @sglc.function
    def scored(s: Any, **options: Any) -> None:
        s += prompt + sglc.gen("a", max_tokens=3, temperature=0, return_logprob=True, **options)

    plain = scored.run(backend=hashed).get_meta_info("a")
    assert plain["input_token_logprobs"] == []
    assert plain["prompt_tokens"] == len(prompt)
    assert all(value <= 0 and text is None for value, _, text in plain["output_token_logprobs"])
    assert "output_top_logprobs" not in plain
    full = scored.run(
        backend=hashed, logprob_start_len=0, top_logprobs_num=2, return_text_in_logprobs=True
    )
    meta = full.get_meta_info("a")
    rows = meta["input_token_logprobs"]
    assert "".join(row[2] for row in rows) == prompt
    assert rows[0][0] is None
    assert all(row[0] < 0 for row in rows[1:])
    assert meta["input_top_logprobs"][0] is None
    assert [len(top) for top in meta["input_top_logprobs"][1:]] == [2] * (len(prompt) - 1)
    assert [len(top) for top in meta["output_top_logprobs"]] == [2, 2, 2]
    mean = sum(row[0] for row in rows[1:]) / (len(rows) - 1)
    assert math.isclose(meta["normalized_prompt_logprob"], mean)
    part = scored.run(backend=hashed, logprob_start_len=4).get_meta_info("a")
    assert [row[:2] for row in part["input_token_logprobs"]] == [row[:2] for row in rows[5:]]
    assert full["a"] == scored.run(backend=hashed)["a"]


def test_the_prompt_of_a_later_call_is_scored_behind_a_held_stream(hashed: Backend) -> None:
    @sglc.function
    def scored(s: Any, start: int | None) -> None:
        s += "x" + sglc.gen("a", max_tokens=3, ignore_eos=True) + "y"
        s += sglc.gen("b", max_tokens=3, return_logprob=True, logprob_start_len=start)

    assert scored.run(0, backend=hashed)["b"] == scored.run(None, backend=hashed)["b"]
    meta = scored.run(0, backend=hashed).get_meta_info("b")
    assert len(meta["input_token_logprobs"]) == meta["prompt_tokens"] >= 3


def test_a_start_behind_the_prompt_is_refused_with_the_limit(hashed: Backend) -> None:
    @sglc.function
    def scored(s: Any) -> None:
        s += "abc" + sglc.gen("a", return_logprob=True, logprob_start_len=3)

    with pytest.raises(sglc.RunFailed, match=r"logprob_start_len` must be in \[-1, 2\]"):
        scored.run(backend=hashed)["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_logprobs_num": 2}, "top_logprobs_num says nothing without return_logprob=True"),
        ({"logprob_start_len": 2}, "logprob_start_len says nothing without"),
        ({"return_text_in_logprobs": True}, "return_text_in_logprobs says nothing"),
        ({"min_tokens": 9, "max_tokens": 8}, "min_tokens must be at most max_tokens, 8, not 9"),
        ({"n": 0}, "n must be from 1 to 4096, not 0"),
        ({"stop_token_ids": [-1]}, "stop_token_ids must be a list of token ids"),
    ],
)
def test_options_that_mean_nothing_are_refused_where_they_stand(
    options: dict[str, Any], message: str
) -> None:
    @sglc.function
    def wrong(s: Any) -> None:
        s += sglc.gen("a", **options)

    with sglc.mock(a="x") as backend, pytest.raises((TypeError, ValueError), match=message):
        wrong.run(backend=backend)


def test_the_scores_of_choices_are_told(hashed: Backend) -> None:
    methods = {
        "token_length_normalized": None,
        "greedy_token_selection": "greedy_logprob_matrix",
        "unconditional_likelihood_normalized": "normalized_unconditional_prompt_logprobs",
    }
    for method, key in methods.items():

        @sglc.function
        def pick(s: Any, method: str = method) -> None:
            s += "x" + sglc.select("a", choices=["one", "three"], choices_method=method)

        state = pick.run(backend=hashed)
        meta = state.get_meta_info("a")
        rows = meta["input_token_logprobs"]
        assert ["".join(token[2] for token in row) for row in rows] == ["one", "three"]
        means = meta["normalized_prompt_logprobs"]
        assert means == pytest.approx([sum(t[0] for t in row) / len(row) for row in rows])
        deciding = meta[key] if key else means
        best = max(range(2), key=lambda i, scores=deciding: scores[i])
        assert state["a"] == ["one", "three"][best]


@pytest.mark.parametrize("level", ["staged", "lowered"])
def test_json_of_a_schema_is_a_text(level: Any, hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" + sglc.gen("a", json_schema={"enum": [{"b": [1, 2]}]})
        s += " again: " + s["a"]

    state = program.run(backend=hashed, level=level)
    assert state["a"] == '{"b": [1, 2]}'
    assert state.text() == 'x{"b": [1, 2]} again: {"b": [1, 2]}'


def test_calls_that_are_alike_are_completed_once(
    hashed: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    gen_options._run_options.cache_clear()
    completed = []

    def counted(run: Any, given: Any) -> dict[str, Any]:
        completed.append(given)
        return real(run, given)

    real = gen_options.completed
    monkeypatch.setattr(gen_options, "completed", counted)

    @sglc.function
    def written(s: Any, n: int) -> None:
        for _ in range(2):
            s += f"{n}" + sglc.gen("a", max_tokens=n % 2 + 1, min_p=0.25)

    states = written.run_batch([(n,) for n in range(10)], backend=hashed, top_p=0.75)
    assert completed == [{"max_tokens": count, "min_p": 0.25} for count in (1, 2)]
    for number, state in enumerate(states):
        assert state.get_meta_info("a")["completion_tokens"] <= number % 2 + 1
    again = written.run(1, backend=hashed, top_p=0.5)
    assert again.get_meta_info("a")["completion_tokens"] <= 2
    assert len(completed) == 3


def test_options_that_are_remembered_are_no_endless_number() -> None:
    run = run_options({"top_p": 0.75})
    assert run is run_options({"top_p": 0.75}) is not run_options({"top_p": 0.5})
    for count in range(1, 1000):
        found = run.of_call("a", {"max_tokens": count}, "repair", show=False)
        assert found.options["max_tokens"] == count
        assert found is run.of_call("a", {"max_tokens": count}, "repair", show=False)
    assert len(run._calls) <= 256
    shown = run.of_call("a", {"max_tokens": 1}, "canonical", show=True)
    assert ("show", True) in shown.attrs
    assert ("seam", "repair") not in shown.attrs


def test_what_decided_a_choice_is_written_out_when_somebody_asks(
    hashed: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(*given: Any) -> dict[str, Any]:
        asked.append(given[0])
        return real(*given)

    real = selects.choice_meta
    monkeypatch.setattr(selects, "choice_meta", counted)

    @sglc.function
    def chosen(s: Any) -> None:
        s += "x" + sglc.gen("a", choices=["one", "two"])

    states = chosen.run_batch([{}] * 5, backend=hashed)
    assert {state["a"] for state in states} <= {"one", "two"}
    assert not asked
    first, second = (states[0].get_meta_info("a") for _ in range(2))
    assert first == second
    assert first is not second
    assert len(first["normalized_prompt_logprobs"]) == 2
    assert len(asked) == 2
