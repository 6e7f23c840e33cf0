"""Modules beside a program win over modules of the same name, and leave those alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sglc.compiler.plan.plan import ToolSpec
from sglc.constraints import types as t
from sglc.runtime.executor.hostmodules import HostModules
from sglc.runtime.executor.tools import ToolRegistry


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_module_that_hides_one_of_python_does_not_replace_it(tmp_path: Path) -> None:
    write(tmp_path, "json.py", "who = 'program'\n")
    assert HostModules([tmp_path]).load("json").who == "program"
    assert sys.modules["json"] is json
    assert str(tmp_path) not in sys.path


def test_two_programs_may_have_modules_of_one_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, "sglc_test_kit/words.py", f"who = {name!r}\n")
    loaded = [HostModules([tmp_path / n]).load("sglc_test_kit.words").who for n in ("one", "two")]
    assert loaded == ["one", "two"]


def test_a_folder_without_init_wins_over_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "elsewhere", "sglc_test_box/__init__.py", "")
    write(tmp_path / "program", "sglc_test_box/tool.py", "from sglc_test_box.other import who\n")
    write(tmp_path / "program", "sglc_test_box/other.py", "who = 'program'\n")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    assert HostModules([tmp_path / "program"]).load("sglc_test_box.tool").who == "program"


def test_a_module_is_loaded_once(tmp_path: Path) -> None:
    write(tmp_path, "sglc_test_once.py", "")
    modules = HostModules([tmp_path])
    assert modules.load("sglc_test_once") is modules.load("sglc_test_once")


def test_what_is_not_in_the_folder_comes_from_python(tmp_path: Path) -> None:
    assert HostModules([tmp_path]).load("json") is json


def test_an_error_of_the_module_is_passed_on_and_nothing_stays(tmp_path: Path) -> None:
    write(tmp_path, "json.py", "raise ValueError('cold')\n")
    with pytest.raises(ValueError, match="cold"):
        HostModules([tmp_path]).load("json")
    assert sys.modules["json"] is json


TYPED = """from __future__ import annotations

import dataclasses
import enum


class Kind(enum.Enum):
    A = "a"


@dataclasses.dataclass
class Asked:
    kinds: list[Kind]


def look(asked: Asked) -> str:
    return f"{type(asked) is Asked} {asked.kinds[0] is Kind.A}"
"""


def test_each_load_of_a_module_reads_annotations_by_its_own_classes(tmp_path: Path) -> None:
    write(tmp_path, "sglc_test_typed.py", TYPED)
    spec = ToolSpec(
        name="look", params=(("asked", t.Json()),), result=t.Str(), source="sglc_test_typed:look"
    )
    for _ in range(2):  # as for two backends in one process
        tool = ToolRegistry(search_path=[tmp_path]).bind(spec)
        assert tool.call({"asked": {"kinds": ["a"]}}) == "True True"
