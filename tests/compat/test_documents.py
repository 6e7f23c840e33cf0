"""SGLang's own examples: run on the local engine and on a server, which is sent the same text."""

from __future__ import annotations

import json
import re

import pytest
from generators.recording_proxy import RecordingProxy
from generators.servers import RunningServer
from generators.sglang_scripts import has_sglang, run_here, run_with_sglang

pytestmark = [pytest.mark.timeout(120), pytest.mark.filterwarnings("ignore:.*use_fork")]

IN_ORDER = [
    "multi_turn.py", "tool_use.py", "regular_expression_gen.py", "character_gen.py",
    "json_decode.py", "text_qa_streaming.py", "streaming.py", "chinese_regex.py",
    "sgl_gen_min_tokens.py", "rag.py",
]  # fmt: skip
AT_ONCE = [
    "tip_suggestion.py", "text_qa_batch.py", "parallel_sample.py", "choices_logprob.py",
    "local_example_complete.py",
]  # fmt: skip
LOCALLY = [*IN_ORDER, *AT_ONCE, "cot_decoding.py"]


@pytest.mark.skipif(not has_sglang(), reason="pip install --no-deps sglang")
@pytest.mark.parametrize("script", [*IN_ORDER, *AT_ONCE])
def test_a_server_is_sent_the_text_that_sglang_sends(
    proxy: RecordingProxy, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run_with_sglang(proxy.url, script)
    theirs, scored = proxy.generated(), proxy.scored()
    proxy.bodies.clear()
    run_here(script, options=("--backend", proxy.url))
    ours = proxy.generated()
    assert theirs or scored
    if script in AT_ONCE:
        theirs.sort(key=lambda each: each[0])
        ours.sort(key=lambda each: each[0])
    assert ours == theirs
    assert sorted(proxy.scored()) == sorted(scored)
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("script", LOCALLY)
def test_the_local_engine_runs_it(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_here(script, options=("--backend", "local", "--seed", "1"))
    assert capsys.readouterr().out.strip()


def test_a_seed_repeats_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for seed in ("1", "1", "2"):
        run_here("tip_suggestion.py", options=("--backend", "local", "--seed", seed))
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_regexes_hold_on_the_local_engine(capsys: pytest.CaptureFixture[str]) -> None:
    run_here("regular_expression_gen.py", options=("--backend", "local"))
    answer = capsys.readouterr().out.rpartition("A: ")[2].strip()
    assert re.fullmatch(r"(\d{1,3}.){3}\d{1,3}", answer)
    run_here("json_decode.py", options=("--backend", "local"))
    wizard = json.loads(capsys.readouterr().out.rstrip().rpartition("\n")[2])
    assert set(wizard) == {"name", "age", "weapon"}


def test_decoding_by_paths_runs_on_a_server(
    proxy: RecordingProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here("cot_decoding.py", options=("--backend", proxy.url))
    said = capsys.readouterr().out
    assert said.count("Path #") == 3
    if has_sglang():
        assert run_with_sglang(proxy.url, "cot_decoding.py") == said
    run_here("cot_decoding.py", options=("--backend", "local"))
    assert capsys.readouterr().out == said


def test_a_script_without_the_frontend_runs(
    server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here("json_logprobs.py", server.url, options=())
    assert capsys.readouterr().out == "['area', 'population']\nTrue\nTrue\n"
