"""Host functions: binding, order, failures, time."""

from __future__ import annotations

import datetime
import enum
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.plan.plan import ToolSpec
from sglc.constraints import types as t
from sglc.runtime.executor.tools import ToolError, ToolRegistry

ONE = """
tool @get(%k: str) -> TYPE <effect = "readonly"OPTIONS>
prompt @main() {
  %s0 = stream
  %v = tool @get, k = "key"
  return %s0, v = %v
}
"""
ORDER = """
tool @do(%k: str) -> str
prompt @inner(%k: str) -> str {
  %s0 = stream
  %e: effect, %v = tool @do, k = %k, after = none
  return %s0, result = "done"
}
prompt @main() {
  %s0 = stream
  %e1: effect, %a = tool @do, k = "slow", after = none
  %e2: effect, %b: str = call @inner, "inner", after = %e1 <rng = "1">
  %e3: effect, %c = tool @do, k = "last", after = %e2
  return %s0, c = %c
}
"""


def one(type_: str = "str", options: str = "") -> str:
    return ONE.replace("TYPE", type_).replace("OPTIONS", f", {options}" if options else "")


def test_effects_keep_their_order(world: Any) -> None:
    log: list[str] = []

    def do(k: str) -> str:
        time.sleep(0.03 if k == "slow" else 0)
        log.append(k)
        return k.upper()

    world.tools["do"] = do
    assert world.run(ORDER).value == {"c": "LAST"}
    assert log == ["slow", "inner", "last"]


def test_a_failed_effect_stops_those_behind_it(world: Any) -> None:
    log: list[str] = []

    def do(k: str) -> str:
        log.append(k)
        if k == "inner":
            raise KeyError("gone")
        return k

    world.tools["do"] = do
    result = world.run(ORDER)
    assert log == ["slow", "inner"]
    assert result.error.cause == "KeyError: 'gone'"


def test_readonly_tools_run_at_the_same_time(world: Any) -> None:
    meeting = threading.Barrier(3, timeout=20)
    world.tools["get"] = lambda k: f"{k}{meeting.wait() >= 0}"
    source = """
    tool @get(%k: str) -> str <effect = "readonly">
    prompt @main() {
      %s0 = stream
      %vs = map ["a", "b", "c"] body (%k: str) {
        %v = tool @get, k = %k
        yield %v
      }
      return %s0, vs = %vs
    }
    """
    assert world.run(source).value == {"vs": ["aTrue", "bTrue", "cTrue"]}


def test_coroutine_functions_are_tools(world: Any) -> None:
    async def get(k: str) -> str:
        return k + "!"

    world.tools["get"] = get
    assert world.run(one()).value == {"v": "key!"}


@dataclass
class Doc:
    title: str
    size: int


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("list[int]", (1, 2), [1, 2]),
        ("{title: str, size: int}", Doc("a", 1), {"title": "a", "size": 1}),
        ("list[{title: str, n: int = 5}]", ({"title": "a"},), [{"n": 5, "title": "a"}]),
        ("number", 3, 3),
        ("str?", None, None),
        ("any", {"a": (1,)}, {"a": [1]}),
    ],
)
def test_results_become_values(world: Any, type_: str, given: Any, value: Any) -> None:
    world.tools["get"] = lambda k: given
    assert world.run(one(type_)).value == {"v": value}


@pytest.mark.parametrize(
    ("type_", "given", "message"),
    [
        ("str", 3, "tool `get`: its result must be str: not an integer"),
        ("int", "3", "its result must be int: not a text"),
        ("list[int]", [1, "a"], "item 1: not a text"),
        ("{a: int}", {"b": 1}, "field `a` is missing"),
    ],
)
def test_results_of_another_type_are_refused(
    world: Any, type_: str, given: Any, message: str
) -> None:
    world.tools["get"] = lambda k: given
    result = world.run(one(type_))
    assert result.error.code == "tool"
    assert message in result.error.message


def test_an_exception_is_a_failure_with_its_cause(world: Any) -> None:
    def get(k: str) -> str:
        raise LookupError(f"no {k}")

    world.tools["get"] = get
    error = world.run(one()).error
    assert error.message == "tool `get` failed: LookupError: no key"
    assert error.cause == "LookupError: no key"
    assert "Traceback" in error.details
    assert "Traceback" not in str(error)


def test_retries(world: Any) -> None:
    calls: list[str] = []

    def get(k: str) -> str:
        calls.append(k)
        if len(calls) < 3:
            raise OSError("try again")
        return "third"

    world.tools["get"] = get
    assert world.run(one(options="retries = 2")).value == {"v": "third"}
    calls.clear()
    assert world.run(one(options="retries = 1")).error.cause == "OSError: try again"
    assert len(calls) == 2


def test_a_tool_that_hangs_is_abandoned(world: Any) -> None:
    release = threading.Event()
    world.tools["get"] = lambda k: str(release.wait(60))
    started = time.monotonic()
    error = world.run(one(options="timeout_s = 0.05")).error
    release.set()
    assert time.monotonic() - started < 20
    assert error.message == "tool `get` failed: TimeoutError: no answer within 0.05 s"


def test_a_process_ends_while_a_tool_hangs() -> None:
    code = (
        "import threading\n"
        "from sglc.runtime.executor.pool import Job, ToolPool\n"
        "import time\n"
        "pool = ToolPool(2, time.monotonic)\n"
        "pool.submit(Job(threading.Event().wait, 0.05))\n"
        "while not pool.drain(): pool.wait()\n"
        "pool.submit(Job(threading.Event().wait, 1000))\n"
        "print('over')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "over\n", "")


def test_tools_are_found_before_anything_runs(world: Any) -> None:
    with pytest.raises(ToolError, match=r"tool `get` is not bound \(registered: none\)"):
        world.executor().submit(world.plan(one()))
    world.tools["get"] = lambda query: query
    with pytest.raises(ToolError, match="`get` does not fit its function"):
        world.executor().submit(world.plan(one()))


SPEC = ToolSpec(name="f", params=(("k", t.Str()),), result=t.Str(), source="my_tools_1.wiki:f")


def test_sources_are_imported_from_the_search_path(tmp_path: Path) -> None:
    (tmp_path / "my_tools_1").mkdir()
    (tmp_path / "my_tools_1" / "wiki.py").write_text("def f(k): return k * 2\nbroken = 1 / 1\n")
    before = list(sys.path)
    bound = ToolRegistry(search_path=[tmp_path]).bind(SPEC)
    assert bound.call({"k": "a"}) == "aa"
    assert sys.path == before


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("my_tools_2:f", None, "cannot import my_tools_2: ModuleNotFoundError"),
        ("my_tools_3:f", "1 / 0", "cannot import my_tools_3: ZeroDivisionError"),
        ("my_tools_4:f", "f = 3", "my_tools_4 has no function `f`"),
    ],
)
def test_sources_that_cannot_be_used(
    tmp_path: Path, source: str, code: str | None, message: str
) -> None:
    module = source.partition(":")[0]
    if code is not None:
        (tmp_path / f"{module}.py").write_text(code)
    spec = ToolSpec(name="f", params=(("k", t.Str()),), result=t.Str(), source=source)
    with pytest.raises(ToolError, match=message):
        ToolRegistry(search_path=[tmp_path]).bind(spec)


def test_imports_can_be_forbidden() -> None:
    with pytest.raises(ToolError, match=r"importing `my_tools_1\.wiki:f` is not allowed"):
        ToolRegistry().bind(SPEC)


def test_arguments_are_checked_and_branches_are_text(world: Any) -> None:
    world.tools["get"] = lambda k: k
    source = """
    tool @get(%k: TYPE) -> str <effect = "readonly">
    prompt @main(%x: json) {
      %s0 = stream
      %s1 = put %s0, "said"
      %b = branch %s0, %s1
      %v = tool @get, k = %GIVEN
      return %s1, v = %v
    }
    """
    branch = source.replace("TYPE", "any").replace("GIVEN", "b")
    assert world.run(branch, x=1).value == {"v": "said"}
    error = world.run(source.replace("TYPE", "str").replace("GIVEN", "x"), x=1).error
    assert error.message == "tool `get`: `k` must be str: not an integer"


@dataclass
class Point:
    x: int
    y: int = 0


class Shade(enum.Enum):
    DARK = "dark"


def shaded(points: list[Point], shade: Shade, at: datetime.date | None = None) -> list[Point]:
    assert all(isinstance(point, Point) for point in points)
    assert shade is Shade.DARK
    assert at is None or isinstance(at, datetime.date)
    return [*points, Point(9)]


async def later(points: list[Point], shade: Shade) -> list[Point]:
    return shaded(points, shade)


POINT = t.Record((t.Field("x", t.Int()), t.Field("y", t.Int())))
SHADED = ToolSpec(
    name="shaded",
    params=(("points", t.List(POINT)), ("shade", t.Str()), ("at", t.Optional(t.Str()))),
    result=t.List(POINT),
)


@pytest.mark.parametrize("function", [shaded, later])
def test_annotated_functions_get_and_give_objects(function: Any) -> None:
    spec = replace(SHADED, params=SHADED.params[:2])
    tool = ToolRegistry({"shaded": function}).bind(spec)
    given = {"points": [{"x": 1, "y": 2}], "shade": "dark"}
    assert tool.call(given) == [{"x": 1, "y": 2}, {"x": 9, "y": 0}]


def test_a_value_that_no_object_stands_for_is_an_error_of_the_tool() -> None:
    tool = ToolRegistry({"shaded": shaded}).bind(SHADED)
    assert tool.call({"points": [], "shade": "dark", "at": "2024-02-29"}) == [{"x": 9, "y": 0}]
    with pytest.raises(ToolError, match=r"tool `shaded`: `shade`: must be a Shade \('dark'\)"):
        tool.call({"points": [], "shade": "light"})
    with pytest.raises(ToolError, match="`at`: '2024-02-30'"):
        tool.call({"points": [], "shade": "dark", "at": "2024-02-30"})
