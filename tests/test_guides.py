"""docs/guides: flags, names, ranges, defaults and counts are those of the code."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.cli.main import COMMANDS, main
from sglc.compiler.frontend.sema.options import GEN
from sglc.program.gen_options import RUN_DEFAULTS
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.executor.options import DEFAULT_MAX_TOKENS
from sglc.runtime.models.registry import ARCHITECTURES
from sglc.runtime.tokenizer.conversations import CONVERSATIONS
from sglc.runtime.tokenizer.frontend_templates import template_names
from sglc.server.config import ServerConfig
from sglc.server.native.body import SamplingBody
from sglc.server.openai import chat_body, completion_body
from sglc.server.openai.chat_body import ChatBody

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
CODE = re.compile(r"`([^`]+)`")


def text_of(name: str) -> str:
    return (ROOT / "docs" / "guides" / f"{name}.md").read_text(encoding="utf-8")


def table(name: str, heading: str) -> list[list[str]]:
    """The rows of the first table whose head begins with ``heading``."""
    lines = iter(text_of(name).splitlines())
    for line in lines:
        if line.startswith(heading):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    assert rows, heading
    return rows


def names_in(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in CODE.findall(cell)}


@pytest.fixture(scope="module")
def flags() -> dict[str, set[str]]:
    """The long flags of each command, ``python -m sglc.bench_serving`` among them."""
    found = {}
    for name in (*COMMANDS, "benchmarks.serving"):
        command = importlib.import_module(f"sglc.cli.{name}")
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        found[name] = {flag for flag in parser._option_string_actions if flag.startswith("--")}
    return found


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_flags_exist(path: Path, flags: dict[str, set[str]]) -> None:
    text = path.read_text(encoding="utf-8")
    every = set().union(*flags.values())
    named = {f for code in CODE.findall(text) for f in re.findall(r"(?<![\w-])--[a-z][\w-]+", code)}
    assert named - every == set()
    lines = re.findall(r"^(?:\w+=\S+ )?sglc (\w+) (.*)$", text, re.MULTILINE)
    measured = re.findall(r"^python -m sglc\.bench_serving (.*)$", text, re.MULTILINE)
    lines += [("benchmarks.serving", rest) for rest in measured]
    for command, rest in lines:
        used = set(re.findall(r"--[a-z][\w-]+", rest.partition(" #")[0]))
        assert used <= flags[command], (command, rest)
    assert lines or path.stem == "sampling"


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_the_readme_leads_here(path: Path) -> None:
    assert f"(docs/guides/{path.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(
        r"(?<![\w/.])((?:runtime|examples|tests|bench)/[\w/]+(?:\.\w+)?)",
        path.read_text(encoding="utf-8"),
    )
    for name in named:
        assert (ROOT / name).exists(), name


def test_sampling_names_are_those_of_the_code() -> None:
    """Every parameter of every way in is in its column, and nothing else is."""
    sgl, python, native, openai = (
        names_in([row[column] for row in table("sampling", "| range |")]) for column in range(1, 5)
    )
    assert sgl == GEN.keys() - {"show", "logprob"}
    arguments = inspect.signature(sglc.gen).parameters.keys() - {"unknown"}  # refused by name
    others = {"name", "choices", "choices_method", "dtype", "type"}
    assert python == {a for a in arguments if "logprob" not in a} - others
    said = names_in([text_of("sampling")])
    refused = {"stop_regex", "structural_tag", "custom_params", "spaces_between_special_tokens"}
    apart = refused | {"sampling_seed"}
    assert native == SamplingBody.model_fields.keys() - apart
    assert apart <= said
    assert openai <= ChatBody.model_fields.keys()
    assert {"seed", "max_completion_tokens"} <= ChatBody.model_fields.keys() & said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("temperature", -1),
        ("top_p", 0),
        ("top_k", 0),
        ("min_p", 2),
        ("frequency_penalty", 3),
        ("presence_penalty", 3),
        ("repetition_penalty", 0),
        ("min_new_tokens", -1),
    ],
)
def test_sampling_ranges_are_those_of_the_code(name: str, wrong: Any) -> None:
    [row] = [row for row in table("sampling", "| range |") if row[3] == f"`{name}`"]
    with pytest.raises(ValueError, match=re.escape(f"{name} must be {row[0]}, not")):
        SamplingParams(**{name: wrong})


def test_sampling_defaults_are_those_of_the_code() -> None:
    rows = {row[0]: row[1:] for row in table("sampling", "| | `temperature`")}
    native = SamplingBody()
    assert rows["`.sgl`"] == [f"{SamplingParams().temperature:g}", str(DEFAULT_MAX_TOKENS)]
    assert rows["Python"] == [f"{RUN_DEFAULTS['temperature']:g}", str(RUN_DEFAULTS["max_tokens"])]
    assert rows["`/generate`"] == [f"{native.temperature:g}", str(native.max_new_tokens)]
    completions = [completion_body.DEFAULT_TEMPERATURE, completion_body.DEFAULT_MAX_TOKENS]
    assert rows["`/v1/completions`"] == [f"{number:g}" for number in completions]
    assert rows["`/v1/chat/completions`"][0] == f"{chat_body.DEFAULT_TEMPERATURE:g}"


def test_tuning_defaults_are_those_of_the_code() -> None:
    engine, server = EngineConfig(), ServerConfig()
    values = {
        "--max-running-requests": engine.max_running,
        "--max-prefill-tokens": engine.max_prefill_tokens,
        "--chunked-prefill-size": engine.chunk_size,
        "--schedule-policy": f"`{engine.schedule_policy}`",
        "--max-queued-requests": server.max_queued,
        "--stream-interval": server.stream_interval,
        "--batch-window": server.batch_window,
    }
    rows = {row[0].strip("`"): row[1] for row in table("tuning", "| flag |")}
    assert {flag: rows[flag] for flag in values} == {f: str(v) for f, v in values.items()}


@pytest.mark.parametrize("row", table("tuning", "| setting |"), ids=lambda row: row[0])
def test_tuning_counts_are_what_the_engine_counts(
    row: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"question": "What is 3 * {n}?"}}\n' for n in range(1, 33)))
    setting, counts = row[0].strip("`"), [int(cell) for cell in row[1:]]
    more = setting.split() if setting.startswith("--") else []
    if not more:
        monkeypatch.setenv(*setting.split("="))
    profile = tmp_path / "profile.json"
    command = ["run", str(ROOT / "examples" / "capitals.sgl"), "--inputs", str(rows)]
    assert main([*command, "--profile-json", str(profile), *more]) == 0
    engine = json.loads(profile.read_text())["engine"]
    names = ("forward_passes", "prefilled_tokens", "cached_tokens", "evicted_tokens", "peak_slots")
    assert [engine[name] for name in names] == counts


def test_metrics_are_those_of_the_page_on_operations() -> None:
    known = set(re.findall(r"`(sgl(?:ang|c):\w+)`", (ROOT / "docs/operations.md").read_text()))
    named = set(re.findall(r"`(sgl(?:ang|c):\w+)`", text_of("tuning") + text_of("profiling")))
    assert len(named) > 5
    assert named <= known


def test_variables_are_those_of_the_engine() -> None:
    named = set(re.findall(r"SGLC_(\w+)", text_of("tuning")))
    assert {name.lower() for name in named} <= EngineConfig.__dataclass_fields__.keys()


def test_templates_are_those_that_are_known() -> None:
    listed = (
        text_of("chat_templates").partition("with the same text:\n")[2].partition("Some are")[0]
    )
    assert set(CODE.findall(listed)) == {*CONVERSATIONS, *template_names()} - {"default"}


@pytest.mark.parametrize("kind", ["json", "jinja"])
def test_template_files_do_what_is_shown(
    kind: str, tmp_path: Path, chat: Callable[..., Any]
) -> None:
    found = re.search(
        rf"^```{kind}\n(.*?)^```", text_of("chat_templates"), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    file = tmp_path / f"my.{kind}"
    file.write_text(found[1], encoding="utf-8")
    rows = {row[0]: row[1] for row in table("chat_templates", "| `chat_template` |")}
    for name, template in (("none", None), (f"`my.{kind}` below", str(file))):
        with sglc.Engine(chat_template=template) as engine:
            state = chat.run(question="What is the capital of Peru?", backend=engine, temperature=0)
            prompt = rows[name].strip("`").replace("⏎", "\n").replace(r"\|", "|")
            assert state.text().startswith(prompt + state["answer"])
            assert ("Lima" in state["answer"]) == (kind == "json" or template is None)


@pytest.fixture
def chat() -> Any:
    @sglc.function
    def chat(s: Any, question: str) -> None:
        s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=16))

    return chat


def test_architectures_are_those_of_the_registry() -> None:
    rows = table("models", "| architecture |")
    assert {row[0].strip("`") for row in rows} == ARCHITECTURES.keys()


def test_the_model_file_that_is_shown_is_the_one_there_is() -> None:
    found = re.search(r"^```python\n(.*?)^```", text_of("models"), re.DOTALL | re.MULTILINE)
    assert found is not None
    assert found[1] in (ROOT / "runtime" / "models" / "qwen3.py").read_text(encoding="utf-8")
