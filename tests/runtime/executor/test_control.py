"""Regions and the ways out of them."""

from __future__ import annotations

from typing import Any

import pytest

AGENT = """
prompt @main(%stop: int, %limit: int) -> str {
  %s0 = stream
  %s1: stream, %n: int = while %limit, %s0, 0 body (%s: stream, %k: int) {
    %go = cmp %k, %stop <op = "<">
    cond %go
    %t = put %s, %k
    %m: int = arith %k, 1 <op = "+">
    yield %t, %m
  }
  %v = concat "n=", %n
  return %s1, result = %v
}
"""
SEARCH = """
prompt @main(%want: str) -> str {
  %s0 = stream
  %s1: stream = for ["a", "b", "c"], %s0 <index = true> body (%x: str, %i: int, %s: stream) {
    %t = put %s, %x
    %t1, %v = gen %t <max_tokens = 9, rng = "1">
    %hit = cmp %x, %want <op = "==">
    %t2: stream = if %hit
      do {
        %r = concat "found ", %i
        return %t1, result = %r
      }
      else {
        yield %t1
      }
    yield %t2
  }
  return %s1, result = "nothing"
}
"""


@pytest.mark.parametrize(
    ("stop", "limit", "value", "text"),
    [(2, 9, "n=2", "01"), (9, 3, "n=3", "012"), (0, 9, "n=0", ""), (9, 0, "n=0", "")],
)
def test_while(world: Any, stop: int, limit: int, value: str, text: str) -> None:
    result = world.run(AGENT, stop=stop, limit=limit)
    assert (result.value, result.text) == (value, text)


def test_return_from_a_loop_starts_nothing_more(world: Any) -> None:
    result = world.run(SEARCH, want="b")
    assert (result.value, result.text) == ("found 1", "a<a>b<a<a>b>")
    assert len(world.backend.prompts) == 2
    assert world.run(SEARCH, want="z").value == "nothing"


ENDS = """
prompt @main(%x: str) -> str {
  %s0 = stream
  %s1: stream = for ["a", "b", "c"], %s0 body (%y: str, %s: stream) {
    %t = put %s, %y
    %t1, %v = gen %t <max_tokens = 9, rng = "1">
    LEAVE
  }
  return %s1, result = "behind"
}
"""


@pytest.mark.parametrize(
    ("leave", "value", "calls"),
    [
        ("break %t1", "behind", 1),
        ("return %t1, result = %v", "<a>", 1),
        ("continue %t1", "behind", 3),
    ],
)
def test_a_turn_that_always_leaves_is_the_last(
    world: Any, leave: str, value: str, calls: int
) -> None:
    result = world.run(ENDS.replace("LEAVE", leave), x="x")
    assert result.error is None
    assert result.value == value
    assert len(world.backend.prompts) == calls


@pytest.mark.parametrize(("leave", "text"), [("break", "ab"), ("continue", "abd")])
def test_break_and_continue(world: Any, leave: str, text: str) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1: stream = for ["a", "b", "c", "d"], %s0 body (%x: str, %s: stream) {
        %c = cmp %x, "c" <op = "==">
        if %c
          do {
            LEAVE %s
          }
          else {
            yield
          }
        %t = put %s, %x
        yield %t
      }
      return %s1
    }
    """
    assert world.run(source.replace("LEAVE", leave)).text == text


def test_loops_over_nothing_give_what_they_carry(world: Any) -> None:
    source = """
    prompt @main(%xs: list[int]) {
      %s0 = stream
      %s1: stream, %n: int = for %xs, %s0, 5 body (%x: int, %s: stream, %k: int) {
        yield %s, %x
      }
      %m = map %xs body (%y: int) {
        yield %y
      }
      %g = fork %s1, %xs branch (%b: stream, %z: int) {
        yield %b, x = %z
      }
      %len = apply %g <fn = "len">
      return %s1, n = %n, m = %m, len = %len
    }
    """
    assert world.run(source, xs=[]).value == {"n": 5, "m": [], "len": 0}
    assert world.run(source, xs=[3]).value == {"n": 3, "m": [3], "len": 1}


def test_filter_and_match(world: Any) -> None:
    source = """
    fn @small(%x: int) -> bool {
      %c = cmp %x, 3 <op = "<">
      return result = %c
    }
    prompt @main(%k: int) {
      %s = stream
      %xs = range 1, 5
      %few = filter %xs body (%x: int) {
        %c = call @small, %x <rng = "1">
        yield %c
      }
      %w: str = match %k
        case 1 {
          yield "one"
        }
        case [2, 3] {
          yield "some"
        }
        else {
          yield "many"
        }
      return %s, few = %few, w = %w
    }
    """
    assert world.run(source, k=1).value == {"few": [1, 2], "w": "one"}
    assert world.run(source, k=3).value["w"] == "some"
    assert world.run(source, k=9).value["w"] == "many"


def test_named_branches_and_side(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1 = put %s0, "Q "
      %g: {pro: branch, con: branch} = fork %s1 <names = ["pro", "con"]>
        branch "pro" (%b: stream) {
          %b1 = put %b, "for"
          %b2, %v = gen %b1 <max_tokens = 9, rng = "1">
          yield %b2, v = %v
        }
        branch "con" (%b3: stream) {
          %b4 = put %b3, "against"
          yield %b4, v = none
        }
      %pro = field %g <name = "pro">
      %con = field %g <name = "con">
      %v1 = field %pro <name = "v">
      %t = put %s1, "rated"
      %side = branch %s1, %t, score = 3
      %s2 = put %s1, %con
      %w = slice %s1, %s2
      return %s2, v = %v1, side = %side, w = %w
    }
    """
    result = world.run(source)
    assert result.text == "Q against"
    assert result.value["v"] == "<for>"
    assert result.value["w"] == "against"
    assert result.value["side"]["score"] == 3
    assert result.value["side"].text == "rated"


def test_include_goes_on_in_the_same_prompt(world: Any) -> None:
    source = """
    prompt @style(%x: str = "brief") -> int {
      %s0 = stream
      %s1 = role.begin %s0 <role = "system">
      %s2 = put %s1, "Be "
      %s3 = put %s2, %x
      %s4 = role.end %s3 <role = "system">
      return %s4, result = 7
    }
    prompt @main() {
      %s0 = stream
      %s1: stream, %n: int = include %s0, @style <rng = "1">
      %s2 = role.begin %s1 <role = "user">
      %s3 = put %s2, "Hi"
      %s4 = role.end %s3 <role = "user">
      %m = messages %s4
      %t = text %s4
      return %s4, n = %n, m = %m, t = %t
    }
    """
    result = world.run(source)
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
    assert result.value["n"] == 7
    assert result.value["m"] == result.messages == messages
    assert result.text == result.value["t"]
    assert result.text.startswith("<|im_start|>system\nBe brief<|im_end|>")


def test_select(world: Any) -> None:
    source = """
    prompt @main(%xs: list[str], %by: int) {
      %s0 = stream
      %s1 = put %s0, "tool: "
      %s2, %v, %p = select %s1, %xs <by = "METHOD", name = "tool">
      return %s2, v = %v, p = %p
    }
    """
    for method, winner in {"token_avg": "ab", "greedy": "ab", "unconditional": "yx"}.items():
        result = world.run(source.replace("METHOD", method), xs=["yx", "ab"], by=1)
        assert result.value["v"] == winner, method
        assert result.text == f"tool: {winner}"
        assert result.value["p"] == {"yx": 0.268941, "ab": 0.731059}


def test_choices_known_at_run_time(world: Any) -> None:
    source = """
    prompt @main(%xs: list[str]) {
      %s0 = stream
      %s1 = put %s0, "pick "
      %s2, %v = gen %s1, choices = %xs, max_tokens = 5 <rng = "1">
      return %s2, v = %v
    }
    """
    world.backend.reply = lambda prompt: "abc"
    assert world.run(source, xs=["abc", "d"]).value == {"v": "abc"}
    constraint = world.backend.requests[0].script[1].constraint
    assert constraint.end == "closed"
    assert constraint.machine.accepts(b"d")
    assert not constraint.machine.accepts(b"e")
