"""`sglc compile`: what it makes, and that a run with it makes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.serial import plan_from_data
from sglc.compiler.source import SourceFile
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
CARD = EXAMPLES / "character.sgl"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SGLC_CACHE_DIR", str(folder))
    return folder


def plan_of(path: Path) -> Plan:
    program = compile_source(SourceFile.read(str(path)), DiagnosticSink())
    assert program is not None
    return program.plan


def host(folder: Path) -> LocalHost:
    return load(LocalOptions(dtype="float32", num_slots=4000, cache_folder=folder))


def test_a_run_with_what_was_compiled_works_out_nothing(sglc: Any, cache: Path) -> None:
    done = sglc("compile", CARD)
    assert done.code == 0, done.err
    assert "Character: " in done.out
    assert len(list(cache.glob("automata/*"))) == len(list(cache.glob("masks/*"))) == 1
    with_cache = host(cache)
    plan = plan_of(CARD).with_entry("character")
    result = with_cache.run(plan, {"name": "Luna"})
    stats = with_cache.scheduler.stats()
    assert with_cache.constraints is not None
    assert (with_cache.constraints.num_built, with_cache.constraints.num_loaded) == (0, 1)
    assert stats["masks_built"] == 0
    assert stats["masks_loaded"] > 0
    without = load(LocalOptions(dtype="float32", num_slots=4000))
    assert without.run(plan, {"name": "Luna"}).value == result.value
    assert without.scheduler.stats()["masks_built"] > 0


def test_stop_texts_are_compiled_in(sglc: Any, cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.sgl"
    path.write_text(
        'prompt p():\n    "A line: {x = gen(/[a-z ]{3,}/, stop="th", max_tokens=20)}"\n'
    )
    assert sglc("compile", path).code == 0
    with_cache = host(cache)
    result = with_cache.run(plan_of(path).with_entry("p"), {})
    assert result.error is None
    assert "th" not in result.captures["x"]
    assert with_cache.constraints is not None
    assert (with_cache.constraints.num_built, with_cache.constraints.num_loaded) == (0, 1)
    assert with_cache.scheduler.stats()["masks_built"] == 0


def test_what_took_long_is_kept_without_being_asked_for(cache: Path) -> None:
    plan = plan_of(CARD).with_entry("character")
    first = host(cache)
    value = first.run(plan, {"name": "Luna"}).value
    assert first.constraints is not None
    assert first.constraints.num_built == 1
    second = host(cache)
    assert second.run(plan, {"name": "Luna"}).value == value
    assert second.constraints is not None
    assert (second.constraints.num_built, second.constraints.num_loaded) == (0, 1)


def test_what_is_there_is_not_made_again(sglc: Any, cache: Path) -> None:
    first = sglc("compile", CARD).out
    assert "there already" not in first
    assert first.count("bytes") == 2
    assert sglc("compile", CARD).out.count("there already") == 2


def test_masks_and_plan_are_optional(sglc: Any, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    done = sglc("compile", CARD, "--no-masks", "--out", out)
    assert done.code == 0
    assert " masks in " not in done.out
    assert not list(cache.glob("masks/*"))
    assert plan_from_data(json.loads(out.read_text())) == plan_of(CARD)


def test_the_limit_of_states_is_said(sglc: Any, cache: Path) -> None:
    assert "states too many" in sglc("compile", CARD, "--max-states", 10).out
    assert sglc("compile", CARD, "--max-states", 0).code == 2


@pytest.mark.parametrize("option", [("--model", "embedded"), ("--max-states", "9")])
def test_options_of_masks_need_masks(sglc: Any, cache: Path, option: tuple[str, str]) -> None:
    done = sglc("compile", CARD, "--no-masks", *option)
    assert done.code == 2
    assert "are about masks" in done.err


def test_a_higher_limit_makes_the_masks_that_were_left_out(sglc: Any, cache: Path) -> None:
    sglc("compile", CARD, "--max-states", 10)
    again = sglc("compile", CARD, "--max-states", 10).out
    assert again.count("there already") == 2
    assert "states too many" in again
    more = sglc("compile", CARD).out
    assert more.count("there already") == 1
    assert "states too many" not in more
    assert sglc("compile", CARD, "--max-states", 10).out.count("there already") == 2


def test_a_folder_that_takes_nothing_is_an_error(
    sglc: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SGLC_CACHE_DIR", str(tmp_path / "file"))
    done = sglc("compile", CARD)
    assert done.code == 3
    assert "there already" not in done.out
    assert "file cannot be written: set SGLC_CACHE_DIR" in done.err


def test_a_constraint_that_cannot_be_used_is_named_with_its_place(
    sglc: Any, cache: Path, program: Callable[[str], Path]
) -> None:
    path = program('prompt p():\n    "{x = gen(/ab+/, stop="a")}"\n')
    done = sglc("compile", path)
    assert done.code == 1
    assert f'{path.name}:2:11: /ab+/ up to "a" cannot be used: every text of it' in done.err


def test_all_constraints_that_cannot_be_used_are_told(
    sglc: Any, cache: Path, program: Callable[[str], Path]
) -> None:
    gens = ['gen(/ab+/, stop="a")', "gen(/[0-9]{2}/)", 'gen(/ba+/, stop="b")']
    path = program("prompt p():\n" + "".join(f'    "{{x{i} = {g}}}"\n' for i, g in enumerate(gens)))
    done = sglc("compile", path)
    assert done.code == 1
    assert done.err.count("cannot be used") == 2
    assert f"{path.name}:2:" in done.err
    assert f"{path.name}:4:" in done.err
    assert done.out.count(" masks in ") == 1


def test_a_budget_that_no_text_fits_is_an_error(
    sglc: Any, cache: Path, program: Callable[[str], Path]
) -> None:
    path = program('prompt p():\n    "{x = gen(/[0-9]{30}/, max_tokens=20)}"\n')
    done = sglc("compile", path)
    assert done.code == 1
    assert f"{path.name}:2:" in done.err
    assert "takes 30 tokens, and the decode may take 20" in done.err


def test_what_nests_without_end_is_said_to_be_made_later(
    sglc: Any, cache: Path, program: Callable[[str], Path]
) -> None:
    path = program(
        'let rules = "start: /x/ | /[(]/ start /[)]/"\n'
        'prompt p():\n    "{x = gen(grammar(rules), max_tokens=9)}"\n'
    )
    done = sglc("compile", path)
    assert done.code == 0, done.err
    assert "nests without end: its states and masks are made while the program runs" in done.out
    assert done.out.splitlines()[0].endswith("at least 1 token")
    assert not cache.exists()


def test_schemas_are_made_ahead(sglc: Any, cache: Path, program: Callable[[str], Path]) -> None:
    path = program(
        'type Person = schema({type: "object", properties: {age: {type: "integer", maximum: 99}}, '
        'required: ["age"], additionalProperties: false})\n'
        'prompt p():\n    "A person: {x = gen(Person, max_tokens=60)}"\n'
    )
    done = sglc("compile", path)
    assert done.code == 0, done.err
    made = host(cache)
    result = made.run(plan_of(path).with_entry("p"), {})
    assert result.error is None
    assert result.captures["x"]["age"] <= 99
    assert made.constraints is not None
    assert (made.constraints.num_built, made.constraints.num_loaded) == (0, 1)
    assert made.scheduler.stats()["masks_built"] == 0


def test_nothing_to_make_is_said(sglc: Any, cache: Path, program: Callable[[str], Path]) -> None:
    done = sglc("compile", program('prompt p():\n    "{x = gen(max_tokens=3)}"\n'))
    assert (done.code, done.out) == (0, "no constraints: there is nothing to make\n")
    assert not cache.exists()


def test_no_folder_is_an_error(sglc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SGLC_CACHE_DIR", "")
    done = sglc("compile", CARD)
    assert done.code == 3
    assert "SGLC_CACHE_DIR" in done.err


def test_a_folder_that_cannot_be_written_harms_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = host(tmp_path / "file" / "cache")
    assert made.run(plan_of(CARD).with_entry("character"), {"name": "Luna"}).error is None
