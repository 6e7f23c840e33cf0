"""Constraints are built beside the engine: who waits for them, who does not, what goes wrong."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from sglc.constraints import build
from sglc.constraints import types as t
from sglc.runtime.executor.compile_process import (
    CompileProcess,
    ConstraintError,
    ConstraintTooSlow,
    Prepared,
    prepare,
)
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation

# What a run with a slow constraint does beside it: gens one after another.
PROGRAM = """
constraint @C = CONSTRAINT
prompt @main(%x: str) {
  %s0 = stream
  %s1 = put %s0, %x
  %s2, %a = gen %s1 <max_tokens = 9, rng = "1", name = "a"OPTION>
  %s3, %b = gen %s2 <max_tokens = 9, rng = "2", name = "b">
  return %s3, a = %a, b = %b
}
"""
CHOICES = """
prompt @main(%c: list[str]) {
  %s0 = stream
  %s1 = put %s0, "x"
  %s2, %a = gen %s1, choices = %c <max_tokens = 9, rng = "1">
  return %s2, a = %a
}
"""


def program(constraint: str | None = None) -> str:
    source = PROGRAM.replace("CONSTRAINT", constraint or "int")
    return source.replace("OPTION", ", constraint = @C" if constraint else "")


class Slow:
    """Builds types whose notation is in ``held`` only when ``release`` is set."""

    def __init__(self, held: str = "") -> None:
        self.held = held
        self.release = threading.Event()
        self.begun = threading.Event()
        self.built: list[str] = []

    def __call__(self) -> Slow:
        return self

    def prepare(self, t: t.Type, timeout_s: float | None = None) -> Prepared:
        self.built.append(str(t))
        self.begun.set()
        if str(t) == self.held:
            assert self.release.wait(60)
        return prepare(t)

    def close(self) -> None:
        self.release.set()


def drained(compiler: ConstraintCompiler, wake: threading.Event) -> list[Preparation]:
    assert wake.wait(60)
    wake.clear()
    return compiler.drain()


def test_a_run_waits_for_its_constraint_and_holds_up_nobody(world: Any) -> None:
    slow = Slow(held="/x+/")
    world.backend.reply = lambda prompt: "xx" if prompt.endswith("slow") else "other"
    executor = world.executor(preparer=slow)
    held = executor.submit(world.plan(program('regex "x+"')), {"x": "slow"})
    others = [executor.submit(world.plan(program()), {"x": "n"}) for _ in range(3)]
    for _ in range(3):  # one step per gen, and the last one to end
        executor.step()
    assert all(run.done for run in others)
    assert not held.done
    assert len(world.backend.requests) == 6  # the gen that waits has asked for nothing
    slow.release.set()
    assert executor.drive(held).value == {"a": "xx", "b": "other"}


def test_waiting_for_a_constraint_does_not_spin(world: Any) -> None:
    slow = Slow(held="/x+/")
    world.backend.reply = lambda prompt: "xx"
    executor = world.executor(preparer=slow)
    run = executor.submit(world.plan(program('regex "x+"')), {"x": "slow"})
    threading.Timer(0.2, slow.release.set).start()
    steps = 0
    while not run.done:
        executor.step()
        executor.wait()
        steps += 1
    assert run.result().value["a"] == "xx"
    assert steps <= 8  # it would be thousands


def test_a_wait_for_a_constraint_can_end_early(world: Any) -> None:
    slow = Slow(held="/x+/")
    executor = world.executor(preparer=slow)
    run = executor.submit(world.plan(program('regex "x+"')), {"x": "slow"})
    executor.step()
    executor.wait(0.01)
    assert not run.done
    executor.cancel(run)
    assert run.result().error.code == "cancelled"
    assert not executor.step()
    executor.wait()  # nobody waits for what is still being built


def test_a_hostile_constraint_is_refused_and_the_others_finish(world: Any) -> None:
    executor = world.executor()
    hostile = 'regex "(ab?){1,200000}"'
    runs = [executor.submit(world.plan(program(hostile)), {"x": "n"})]
    runs += [executor.submit(world.plan(program()), {"x": "n"}) for _ in range(3)]
    executor.run_until_idle()
    assert [run.result().error is None for run in runs] == [False, True, True, True]
    error = runs[0].result().error
    assert error.code == "option"
    assert "the constraint /(ab?){1,200000}/ cannot be used" in error.message
    assert "needs more than 100000 states" in error.message
    assert error.loc.line == 5


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ('regex "a(?>b)"', "atomic groups are not supported: write (?:...) at position 1"),
        ('regex "(a"', "missing ), unterminated subpattern at position 0"),
    ],
)
def test_a_constraint_that_is_wrong_fails_the_gen(
    world: Any, constraint: str, message: str
) -> None:
    plan = world.plan(program("int"))
    wrong = t.Regex(constraint.split('"')[1])
    plan = type(plan)(**{**vars(plan), "constraints": {"C": wrong}})
    executor = world.executor()
    error = executor.drive(executor.submit(plan, {"x": "n"})).error
    assert (error.code, error.loc.line) == ("option", 5)
    assert message in error.message


def test_constraints_are_begun_when_a_plan_is_submitted(world: Any) -> None:
    slow = Slow()
    executor = world.executor(preparer=slow)
    executor.submit(world.plan(program("word")), {"x": "n"})
    assert slow.begun.wait(60)
    assert slow.built == ["word"]
    assert world.backend.requests == []


def test_what_is_not_used_is_not_built(world: Any) -> None:
    slow = Slow()
    executor = world.executor(preparer=slow)
    source = program().replace("constraint @C = int", "constraint @C = int\nconstraint @D = word")
    executor.drive(executor.submit(world.plan(source), {"x": "n"}))
    assert slow.built == []


@pytest.mark.parametrize("num_choices", [3, 2_000])
def test_choices_known_at_run_time(world: Any, num_choices: int) -> None:
    slow = Slow()
    choices = [f"choice {i}" for i in range(num_choices)]
    world.backend.reply = lambda prompt: choices[-1]
    executor = world.executor(preparer=slow)
    run = executor.submit(world.plan(CHOICES), {"c": choices})
    assert executor.drive(run).value == {"a": choices[-1]}
    assert len(slow.built) == (num_choices > 100)  # the few are built at once


def test_types_are_built_once_for_all_who_want_them() -> None:
    slow, wake = Slow(held="int"), threading.Event()
    compiler = ConstraintCompiler(wake, preparer=slow)
    first, again = compiler.prepare(t.Int()), compiler.prepare(t.Int())
    assert first is again
    assert not first.is_ready
    slow.release.set()
    assert drained(compiler, wake) == [first]
    assert compiler.prepare(t.Int()) is first
    assert first.is_ready
    assert first.result().constraint.machine.accepts(b"12")
    assert compiler.drain() == []
    compiler.close()


def test_the_type_used_longest_ago_is_forgotten() -> None:
    wake = threading.Event()
    compiler = ConstraintCompiler(wake, max_kept=2, preparer=Slow())
    first = compiler.prepare(t.Int())
    second = compiler.prepare(t.Bool())
    assert compiler.prepare(t.Int()) is first
    compiler.prepare(t.Word())
    assert compiler.prepare(t.Int()) is first
    assert compiler.prepare(t.Bool()) is not second
    compiler.close()


def test_a_failure_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Slow):
        def prepare(self, t: t.Type, timeout_s: float | None = None) -> Prepared:
            self.built.append(str(t))
            raise KeyError("gone")

    broken, wake = Broken(), threading.Event()
    compiler = ConstraintCompiler(wake, preparer=broken)
    (failed,) = (compiler.prepare(t.Int()),)
    assert drained(compiler, wake) == [failed]
    assert compiler.prepare(t.Int()) is failed
    with pytest.raises(ConstraintError, match="constraint int cannot be used: KeyError: 'gone'"):
        failed.result()
    assert broken.built == ["int"]
    assert "KeyError" in capsys.readouterr().err
    compiler.close()


def test_closing_ends_what_is_being_built() -> None:
    slow, wake = Slow(held="int"), threading.Event()
    compiler = ConstraintCompiler(wake, num_workers=1, preparer=slow)
    compiler.prepare(t.Int())
    compiler.prepare(t.Bool())
    compiler.close()
    assert wake.wait(60)
    assert slow.built == ["int"]


class Patient(Slow):
    """Takes for ever over what is held, unless it is told how long it may."""

    def prepare(self, t: t.Type, timeout_s: float | None = None) -> Prepared:
        if str(t) in self.held and timeout_s is not None:
            self.built.append(f"{t} in {timeout_s:g} s")
            raise ConstraintTooSlow("it takes for ever")
        self.begun.set()
        self.built.append(str(t))
        assert str(t) not in self.held or self.release.wait(60)
        return prepare(t)


def test_what_is_slow_holds_up_nobody() -> None:
    patient, wake = Patient(held="int word"), threading.Event()
    compiler = ConstraintCompiler(wake, num_workers=1, preparer=patient)
    slow = [compiler.prepare(each) for each in (t.Int(), t.Word())]
    assert patient.begun.wait(60)  # int is being built, and will be for long
    quick = compiler.prepare(t.Bool())
    assert drained(compiler, wake) == [quick]
    assert not any(each.is_ready for each in slow)
    patient.release.set()
    done: list[Preparation] = []
    while len(done) < 2:
        done += drained(compiler, wake)
    assert done == slow
    assert sorted(patient.built) == ["bool", "int", "int in 5 s", "word", "word in 5 s"]
    compiler.close()


def test_a_child_is_given_less_time() -> None:
    process = CompileProcess()
    slow = t.Regex("(a|b)*a(a|b){15}")
    with pytest.raises(ConstraintTooSlow, match=r"more than 0\.05 s"):
        process.prepare(slow, 0.05)
    assert process.prepare(LARGE, 60).constraint == prepare(LARGE).constraint
    process.close()


LARGE = t.Regex("(a|b)*a(a|b){10}")


@pytest.fixture
def process() -> Any:
    process = CompileProcess()
    yield process
    process.close()


def test_a_large_constraint_is_built_by_a_child(process: CompileProcess) -> None:
    assert process.prepare(t.Int()).constraint == prepare(t.Int()).constraint
    assert process._child is None
    here, there = prepare(LARGE), process.prepare(LARGE)
    assert there.constraint == here.constraint
    assert there.machines == here.machines
    child = process._child
    assert child is not None
    assert os.getpgid(child.pid) != os.getpgrp()  # Ctrl-C goes to a whole group
    process.prepare(t.Regex("(a|b)*a(a|b){9}"))
    assert process._child is child
    process.close()
    assert child.poll() is not None


@pytest.mark.parametrize("t_", [t.Regex("(ab?){1,200000}"), t.Regex("(" * 5000)])
def test_a_child_refuses_in_the_words_of_the_construction(
    process: CompileProcess, t_: t.Type
) -> None:
    with pytest.raises(ValueError, match=r"states|nested deeper than") as here:
        prepare(t_)
    with pytest.raises(ConstraintError) as there:
        process.prepare(t_)
    assert process._child is not None
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    "t_",
    [
        t.Schema('{"type": "integer"}'),
        t.List(t.Optional(t.Schema('{"type": "boolean"}'))),
        t.Record((t.Field("a", t.Union((t.Int(), t.Grammar('start: "x"')))),)),
    ],
)
def test_schemas_and_grammars_are_built_by_a_child_however_small(
    process: CompileProcess, t_: t.Type
) -> None:
    made = process.prepare(t_)
    assert process._child is not None
    here = prepare(t_).constraint
    assert made.constraint.end == here.end
    assert made.constraint.machine.digest == here.machine.digest


def test_a_child_that_takes_too_long_or_too_much_is_replaced() -> None:
    process = CompileProcess(timeout_s=0.05)
    with pytest.raises(ConstraintError, match=r"took more than 0\.05 s or 4096 MiB"):
        process.prepare(t.Regex("(a|b)*a(a|b){15}"))
    process.close()
    process = CompileProcess(memory_bytes=8 << 20)
    with pytest.raises(ConstraintError, match=r"too large to be built|8 MiB of memory"):
        process.prepare(LARGE)
    process.close()


def test_without_processes_a_constraint_is_built_here(
    process: CompileProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert process.prepare(LARGE).constraint == prepare(LARGE).constraint


def test_a_machine_that_has_met_too_many_states_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "MAX_MET_STATES", 50)
    nested = t.Grammar('start: "(" start ")" | "x"')
    preparation = Preparation(nested)
    preparation.prepared = prepare(nested)
    first = preparation.result()
    assert preparation.result() is first
    assert first.constraint.machine.accepts(b"(" * 99 + b"x" + b")" * 99)
    second = preparation.result()
    assert second.constraint.machine is not first.constraint.machine
    assert second.machines[nested] is second.constraint.machine
    assert second.constraint.machine.num_states < 10
