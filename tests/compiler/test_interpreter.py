"""What programs mean, one fact at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from generators.byte_model import BEGIN, END, EOS, ByteModel
from generators.ir_programs import ARGUMENTS, make_tools, modules
from hypothesis import given, settings

from sglc.compiler.interpreter import Failure, Outcome, interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module

Writes = Callable[[bytes], str | None]


class Scripted(ByteModel):
    """Writes what ``answers`` says comes after a prompt's text, then ends."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__()
        self.answers = {prompt.encode(): text.encode() for prompt, text in answers.items()}

    def logits(self, ids: Any) -> list[float]:
        self.asked.append(tuple(ids))
        data = bytes(i for i in ids if i < 256)
        row = [0.0] * self.vocab_size
        for prompt, text in self.answers.items():
            at = data.rfind(prompt)
            said = data[at + len(prompt) :]
            if at >= 0 and text.startswith(said):
                row[text[len(said)] if len(said) < len(text) else EOS] = 20.0
                return row
        row[EOS] = 10.0
        return row


def run(
    body: str, answers: Mapping[str, str] | None = None, head: str = "", **options: Any
) -> Outcome:
    lines = "".join(f"  {line}\n" for line in body.strip().splitlines())
    module = parse_module(f"{head}prompt @main() {{\n  %s = stream\n{lines}}}\n")
    return interpret(module, "main", {}, Scripted(answers or {}), **options)


def value(body: str, answers: Mapping[str, str] | None = None, head: str = "") -> Any:
    outcome = run(body, answers, head)
    assert outcome.error is None, outcome.error
    return outcome.captures["v"]


GEN = '%a = put %s, "Q:"\n%b, %x = gen %a <max_tokens = 9, rng = "1"{}>\nreturn %b, v = %x'


def gen(answer: str, options: str = "", head: str = "") -> tuple[Any, str]:
    outcome = run(GEN.format(options), {"Q:": answer}, head)
    assert outcome.error is None, outcome.error
    return outcome.captures["v"], outcome.text


def test_gen_ends_at_end_of_sequence() -> None:
    assert gen("blue") == ("blue", "Q:blue")


def test_gen_ends_at_max_tokens_inside_a_character() -> None:
    assert gen("aé" * 9) == ("aéaéaé", "Q:aéaéaé")
    assert gen("é" * 9)[0] == "éééé\N{REPLACEMENT CHARACTER}"


def test_stop_string_is_trimmed_across_tokens() -> None:
    assert gen("one--two", ', stop = ["--"]') == ("one", "Q:one")


def test_the_stop_string_complete_first_wins_and_the_longest_of_equals() -> None:
    assert gen("abcd", ', stop = ["cd", "bc"]')[0] == "a"
    assert gen("abcd", ', stop = ["c", "bc"]')[0] == "a"


@pytest.mark.parametrize(
    ("type_", "answer", "result", "text"),
    [
        ("line", "hi\nyou", "hi", "hi"),
        ("int(lo = 0, hi = 99)", "7 apples", 7, "7"),
        ("int(lo = 0, hi = 99)", "723", 72, "72"),
        ('"yes" | "no"', "nope", "no", "no"),
        ("bool", "true story", True, "true"),
        ("{a: int(lo = 0, hi = 9)}", '{"a": 5} and', {"a": 5}, '{"a": 5}'),
    ],
)
def test_constraints(type_: str, answer: str, result: object, text: str) -> None:
    assert gen(answer, ", constraint = @C", f"constraint @C = {type_}\n") == (result, "Q:" + text)


def test_choices_known_at_run_time_constrain() -> None:
    body = '%a = put %s, "Q:"\n%c = concat "b", "lue"\n%b, %x = gen %a, choices = ["red", %c]'
    assert (
        value(body + ' <max_tokens = 9, rng = "1">\nreturn %b, v = %x', {"Q:": "blues"}) == "blue"
    )


def test_a_cut_value_does_not_parse_and_try_catches_it() -> None:
    head = "constraint @C = {a: int}\n"
    body = '%a = put %s, "Q:"\n%b, %x = gen %a <max_tokens = 3, rng = "1", constraint = @C>\n'
    outcome = run(body + "return %b, v = %x", {"Q:": '{"a": 5}'}, head)
    assert outcome.error is not None
    assert outcome.error.op is not None
    assert outcome.error.op.name == "gen"
    body = "\n".join(f"    {line}" for line in body.strip().splitlines())
    caught = f'%v: any = try\n  body {{\n{body}\n    yield %x\n  }}\n  else {{\n    yield "?"\n  }}'
    assert value(caught + "\nreturn %s, v = %v", {"Q:": '{"a": 5}'}, head) == "?"


SELECT = '%a = put %s, "Q:"\n%b, %x, %p = select %a, ["red", "blue", "redder"]{}\n'


@pytest.mark.parametrize("method", ["token_avg", "greedy", "unconditional"])
def test_select_appends_the_winner(method: str) -> None:
    body = SELECT.format(f' <by = "{method}">') + "return %b, v = %x"
    outcome = run(body, {"Q:": "blue"})
    assert (outcome.captures["v"], outcome.text) == ("blue", "Q:blue")


def test_select_gives_the_shares() -> None:
    shares = value(SELECT.format("") + "return %b, v = %p", {"Q:": "blue"})
    assert list(shares) == ["red", "blue", "redder"]
    assert shares["blue"] > 0.99
    assert sum(shares.values()) == pytest.approx(1)


def test_every_op_tokenises_the_whole_stream_again() -> None:
    model = Scripted({"Q:": "a"})
    body = GEN.format("").replace("\n", "\n  ")
    module = parse_module(f"prompt @main() {{\n  %s = stream\n  {body}\n}}\n")
    interpret(module, "main", {}, model)
    assert model.asked == [tuple(b"Q:"), tuple(b"Q:a")]


def test_roles_and_messages() -> None:
    body = '%a = role.begin %s <role = "user">\n%b = put %a, "hi"\n%c = role.end %b <role = "user">'
    outcome = run(body + "\n%m = messages %c\nreturn %c, v = %m")
    assert outcome.captures["v"] == outcome.messages == [{"role": "user", "content": "hi"}]
    assert outcome.text == "<|begin|>user\nhi<|end|>\n"


def test_text_is_never_a_special_token_unless_it_is_said() -> None:
    model = ByteModel()
    body = '%a = put %s, "<|end|>"\n%b = put %a, "<|end|>" <special = true>\n'
    body += '%c, %v, %p = select %b, ["x"]'
    module = parse_module(f"prompt @f() {{\n%s = stream\n{body}\nreturn %c\n}}\n")
    interpret(module, "f", {}, model)
    assert model.asked[0] == (*b"<|end|>", END)
    assert BEGIN not in model.asked[0]


def test_slice_is_the_plain_text_between_two_versions() -> None:
    body = '%a = put %s, "1"\n%b = role.begin %a <role = "user">\n%c = put %b, "2"\n'
    body += '%d = put %c, 3\n%e = role.end %d <role = "user">\n%t = slice %a, %e\n'
    assert value(body + "return %e, v = %t") == "23"


FORK = """\
%a = put %s, "S"
%g = fork %a, ["x", "y"] branch (%b: stream, %i: str, %n: int) {
  %c = put %b, %i
  yield %c, i = %i, n = %n
}
"""


def test_fork_shares_the_past_and_keeps_nothing_of_the_branches() -> None:
    outcome = run(FORK + '%t = field %g <name = "text">\n%n = field %g <name = "n">\n'
                  "return %a, t = %t, n = %n")  # fmt: skip
    assert outcome.captures == {"t": ["x", "y"], "n": [0, 1]}
    assert outcome.text == "S"


def test_a_branch_can_be_kept() -> None:
    body = FORK + '%p = pick %g, -1\n%k: stream = field %p <name = "stream">\n%z = put %k, "!"\n'
    assert run(body + "return %z").text == "Sy!"


def test_named_fork_is_a_record_of_branches() -> None:
    body = '%r = fork %s\n  branch "pro" (%b: stream) {\n    yield %b, v = 1\n  }\n'
    body += '  branch "con" (%c: stream) {\n    yield %c, v = 2\n  }\n'
    body += '%p = field %r <name = "con">\n%v = field %p <name = "v">\nreturn %s, v = %v'
    assert value(body) == 2


LOOP = "%v: int = for [5, 6, 7], 0 body (%x: int, %acc: int) {{\n{}\n}}\nreturn %s, v = %v"
BREAK = """\
  %n = arith %acc, %x <op = "+">
  %c = cmp %x, 6 <op = "==">
  if %c
    do {{
      {} {}
    }}
    else {{
      yield
    }}
  yield %n"""


@pytest.mark.parametrize(
    ("word", "given", "result"), [("break", "%n", 11), ("continue", "%acc", 12), ("break", 0, 0)]
)
def test_loops(word: str, given: object, result: int) -> None:
    assert value(LOOP.format(BREAK.format(word, given))) == result


def test_while_ends_at_its_cond_or_its_limit() -> None:
    body = '%v: int = while {}, 0 body (%n: int) {{\n  %c = cmp %n, 3 <op = "<">\n  cond %c\n'
    body += '  %m = arith %n, 1 <op = "+">\n  yield %m\n}}\nreturn %s, v = %v'
    assert [value(body.format(limit)) for limit in (0, 2, 9)] == [0, 2, 3]


def test_match_takes_the_first_equal_case_else_the_else_else_fails() -> None:
    body = '%v: str = match {}\n  case ["a", "b"] {{\n    yield "ab"\n  }}\n  case true {{\n'
    body += '    yield "t"\n  }}\nreturn %s, v = %v'
    assert [value(body.format(x)) for x in ('"b"', "true")] == ["ab", "t"]
    assert str(run(body.format("1")).error) == "no case matches"


def test_return_leaves_from_inside() -> None:
    body = "if true\n  do {\n    return %s, v = 1\n  }\n  else {\n    yield\n  }\nreturn %s, v = 2"
    assert value(body) == 1


def test_map_and_filter() -> None:
    body = '%m = map [1, 2, 3] body (%x: int) {\n  %y = arith %x, 2 <op = "*">\n  yield %y\n}\n'
    body += '%f = filter %m body (%z: int) {\n  %c = cmp %z, 2 <op = ">">\n  yield %c\n}\n'
    assert value(body + "return %s, v = %f") == [4, 6]


def test_the_first_failure_in_program_order_is_the_error() -> None:
    outcome = run('%a = const 1\ncheck %a\ncheck false, "first"\nfail "second"')
    assert isinstance(outcome.error, Failure)
    assert outcome.error.reason == "first"
    assert (outcome.value, outcome.text) == (None, "")


CALLEE = """\
tool @twice(%x: str) -> str
fn @inc(%n: int, %by: int = 1) -> int {
  %m = arith %n, %by <op = "+">
  return result = %m
}
prompt @sub(%t: str) -> str {
  %s = stream
  %a = put %s, %t
  return %a, result = "got"
}
"""


def test_a_call_is_isolated_and_an_include_is_not() -> None:
    body = '%a = put %s, "A"\n%c = call @sub, "x" <rng = "1">\n'
    body += '%b, %d = include %a, @sub, t = "B" <rng = "2">\n'
    body += '%n = call @inc, 1, by = 4 <rng = "3">\n'
    outcome = run(body + "return %b, c = %c, d = %d, n = %n", head=CALLEE)
    assert outcome.text == "AB"
    assert outcome.captures == {"c": "got", "d": "got", "n": 5}


def test_named_values_of_the_entry_prompt_are_captures() -> None:
    outcome = run(GEN.format(', name = "word"'), {"Q:": "blue"})
    assert outcome.captures == {"word": "blue", "v": "blue"}


def test_effectful_tools_run_in_order_and_their_errors_are_failures() -> None:
    seen: list[str] = []

    def twice(x: str) -> str:
        seen.append(x)
        return {"a": "b"}[x]

    body = '%e: effect, %v = tool @twice, x = "a", after = none\n'
    body += "%f: effect, %w = tool @twice, x = %v, after = %e\nreturn %s, v = %w"
    outcome = run(body, head=CALLEE, tools={"twice": twice})
    assert seen == ["a", "b"]
    assert str(outcome.error) == "twice: 'b'"


SAMPLED = """\
prompt @sub() {
  %s = stream
  %a = put %s, "Q"
  %b, %v = gen %a <max_tokens = 4, temperature = 2.0, rng = "1">
  return %b, v = %v
}
prompt @main() {
  %s = stream
  %x = call @sub <rng = "1">
  %y = call @sub <rng = "2">
  %z = map [1, 2] body (%i: int) {
    %c = call @sub <rng = "3">
    yield %c
  }
  return %s, x = %x, y = %y, z = %z
}
"""


def sampled(seed: int, instance: int = 0, text: str = SAMPLED) -> list[object]:
    outcome = interpret(parse_module(text), "main", {}, ByteModel(), seed=seed, instance=instance)
    assert outcome.error is None
    x, y, z = outcome.captures.values()
    return [x["v"], y["v"], *(item["v"] for item in z)]


def test_samples_depend_on_seed_instance_and_path_only() -> None:
    first = sampled(1)
    assert first == sampled(1)
    assert len(set(map(str, first))) == 4
    assert first != sampled(2)
    assert first != sampled(1, 1)
    lines = SAMPLED.splitlines()
    swapped = "\n".join([*lines[:8], lines[9], lines[8], *lines[10:]])
    assert sampled(1, text=swapped) == first


def test_wrong_arguments_are_the_callers_mistake() -> None:
    module = parse_module("fn @f(%x: int) -> int {\n  return result = %x\n}\n")
    assert interpret(module, "f", {"x": 3}, ByteModel()).value == 3
    with pytest.raises(TypeError, match="takes x"):
        interpret(module, "f", {"y": 3}, ByteModel())


def outcome_of(module: Module) -> tuple[object, ...]:
    log: list[str] = []
    found = interpret(module, "main", ARGUMENTS, ByteModel(), seed=3, tools=make_tools(log))
    return repr(found.value), found.text, found.messages, str(found.error), log


@settings(max_examples=10, deadline=None)
@given(modules(size=4))
def test_random_modules_run_and_mean_the_same_after_a_round_trip(module: Module) -> None:
    assert outcome_of(module) == outcome_of(parse_module(print_module(module)))


def test_a_computed_number_of_tokens_is_one_at_least() -> None:
    body = '%a = put %s, "Q:"\n%b, %x = gen %a, max_tokens = 0 <rng = "1">\nreturn %b, v = %x'
    outcome = run(body)
    assert outcome.error is not None
    assert outcome.error.reason == "`max_tokens` must be at least 1, not 0"
