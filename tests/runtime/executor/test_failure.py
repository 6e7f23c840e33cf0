"""Failures: how far they spread, what is reported, what remains."""

from __future__ import annotations

from typing import Any

import pytest

SIBLINGS = """
prompt @main() {
  %s0 = stream
  %s1 = put %s0, "start "
  %g = fork %s1, ["good", "bad", "fine"] branch (%b: stream, %k: str) {
    %b1 = put %b, %k
    %b2, %v = gen %b1 <max_tokens = 9, rng = "1", name = "v">
    yield %b2, v = %v
  }
  %s2, %a = gen %s1 <max_tokens = 9, rng = "2", name = "a">
  %n = apply %g <fn = "len">
  return %s2, a = %a, n = %n
}
"""


def refuse_bad(prompt: str) -> str:
    if "bad" in prompt:
        raise RuntimeError("no slots left")
    return "ok"


def test_siblings_finish_and_what_resolved_is_kept(world: Any) -> None:
    world.backend.reply = refuse_bad
    result = world.run(SIBLINGS)
    assert result.value is None
    assert result.partial
    assert result.error.code == "model"
    assert str(result.error) == "a.sgl:6:1: no slots left"
    assert result.captures == {"a": "ok"}
    assert result.text == "start ok"
    assert len(world.backend.prompts) == 4


def test_the_first_error_in_program_order_is_reported(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1 = put %s0, "bad"
      %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
      %x = arith 1, 0 <op = "/">
      return %s2, a = %a, x = %x
    }
    """
    world.backend.reply = refuse_bad
    assert world.run(source).error.message == "no slots left"  # though it came later


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("check false", "check", "the check failed"),
        ('check false, "cites nothing"', "check", "cites nothing"),
        ("%a = arith 1, 0 <op = \"/\">", "data", "division by zero"),
        ("%a = index [1], 3", "data", "index 3 is out of range: there are 1 items"),
        ("%a, %v = gen %s1, max_tokens = 0 <rng = \"1\">", "option", "`max_tokens` must be at"),
        ("%a, %v = gen %s1, temperature = -1 <max_tokens = 3, rng = '1'>", "option", "temperature"),
        ("%a, %v = gen %s1, stop = [''] <max_tokens = 3, rng = '1'>", "option", "`stop` must be"),
        ("%a, %v = gen %s1, choices = [] <max_tokens = 3, rng = \"1\">", "option", "no choices"),
        ("%a, %v = gen %s0 <max_tokens = 3, rng = \"1\">", "model", "the stream is empty"),
        ("%a, %v, %p = select %s1, [] <by = \"greedy\">", "option", "no choices"),
        ("%a, %v = gen %s1 <max_tokens = 3, rng = \"1\", constraint = @N>", "parse", "is no int"),
        ("%a = media %s1, \"x.png\"", "model", "no images"),
        ("%a = put %s1, '<|no|>' <special = true>\n  %b, %c = gen %a <max_tokens = 3, rng = '1'>",
         "model", "no special token"),
        ("%s5: stream = match %s1\n    case 1 {\n      yield %s1\n    }", "match", "no case for"),
    ],
)  # fmt: skip
def test_what_can_go_wrong(world: Any, line: str, kind: str, message: str) -> None:
    code = line.replace("'", '"')
    source = f"""
    constraint @N = int
    prompt @main() {{
      %s0 = stream
      %s1 = put %s0, "hi"
      {code}
      return %s1, z = 1
    }}
    """
    result = world.run(source)
    assert result.error is not None
    assert (result.error.code, message in result.error.message) == (kind, True), result.error
    assert kind == "match" or result.error.loc is not None
    assert result.text == "hi"


def test_what_comes_after_a_failed_check_does_not_start(world: Any) -> None:
    source = """
    prompt @main(%ok: bool) {
      %s0 = stream
      %s1 = put %s0, "hi"
      check %ok
      %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
      return %s2, a = %a
    }
    """
    assert world.run(source, ok=False).error.code == "check"
    assert world.backend.prompts == []
    assert world.run(source, ok=True).value == {"a": "<hi>"}


TRY = """
prompt @risky(%x: str) -> str {
  %s0 = stream
  %s1 = put %s0, %x
  %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
  %ok = cmp %a, "<no>" <op = "!=">
  check %ok, "it said no"
  return %s2, result = %a
}
prompt @main(%x: str) -> str {
  %s0 = stream
  %s1: stream, %v: str = try
    body {
      %a: str = call @risky, %x <rng = "1">
      %t = put %s0, %a
      yield %t, %a
    }
    else {
      %t1 = put %s0, "sorry"
      yield %t1, "none"
    }
  return %s1, result = %v
}
"""


def test_try_catches_what_fails_inside(world: Any) -> None:
    assert world.run(TRY, x="yes").value == "<yes>"
    result = world.run(TRY, x="no")
    assert (result.value, result.text, result.error) == ("none", "sorry", None)


def test_try_waits_for_all_of_its_body(world: Any) -> None:
    source = """
    prompt @main() -> str {
      %s0 = stream
      %s1 = put %s0, "bad"
      %v: str = try
        body {
          %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
          yield "early"
        }
        else {
          yield "else"
        }
      return %s1, result = %v
    }
    """
    world.backend.reply = refuse_bad
    assert world.run(source).value == "else"


def test_a_return_inside_try_counts_only_if_the_body_succeeds(world: Any) -> None:
    source = """
    prompt @main(%x: str) -> str {
      %s0 = stream
      %s1 = put %s0, %x
      try
        body {
          %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
          return %s1, result = "left early"
        }
        else {
          yield
        }
      return %s1, result = "went on"
    }
    """
    world.backend.reply = refuse_bad
    assert world.run(source, x="good").value == "left early"
    assert world.run(source, x="bad").value == "went on"


def test_a_failure_in_the_else_of_try_is_a_failure(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %v: int = try
        body {
          fail "first"
        }
        else {
          fail "second"
        }
      return %s0, v = %v
    }
    """
    result = world.run(source)
    assert (result.error.code, result.error.message) == ("fail", "second")


def test_a_failed_turn_fails_the_loop_behind_it(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1: stream = for [1, 2, 0, 4], %s0 body (%x: int, %s: stream) {
        %ok = cmp %x, 0 <op = "!=">
        check %ok, "zero"
        %t = put %s, %x
        yield %t
      }
      %s2 = put %s1, "end"
      return %s2
    }
    """
    result = world.run(source)
    assert result.error.message == "zero"
    assert result.text.startswith("12")


def test_arguments_are_checked_before_anything_runs(world: Any) -> None:
    executor, plan = world.executor(), world.plan(TRY)
    with pytest.raises(ValueError, match="`x` must be str: not an integer"):
        executor.submit(plan, {"x": 3})
    with pytest.raises(ValueError, match="no parameter `y`"):
        executor.submit(plan, {"x": "a", "y": 1})
    assert not executor.step()


def test_the_text_of_a_failed_run_is_that_of_the_prompt_itself(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1 = put %s0, "said"
      %d0 = put %s1, " in a long side"
      %d1, %a = gen %d0 <max_tokens = 9, rng = "1">
      %d2: stream = if true
        do {
          %d3 = put %d1, " and on"
          yield %d3
        }
        else {
          yield %d1
        }
      %b = branch %s1, %d2, a = %a
      %s2: stream = if true
        do {
          %t = put %s1, "!"
          yield %t
        }
        else {
          yield %s1
        }
      if false
        do {
          yield
        }
        else {
          %m = field %b <name = "a">
          check false, %m
          yield
        }
      %s3 = put %s2, " said after it"
      return %s3, b = %b
    }
    """
    result = world.run(source)
    assert result.error.code == "check"
    assert result.text == "said!"
