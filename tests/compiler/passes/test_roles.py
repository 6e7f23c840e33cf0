"""Roles as what a template writes: the same ids, fewer ops, and never where somebody sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from generators.hash_model import EOS, MAX_CONTEXT
from generators.templates import LLAMA3, MISTRAL, NAMES, QWEN3, QWEN25, Names
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, Program, compile_source
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.ir.verify import VerifyError, verify
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import walk
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.script import Extend, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.markup import TemplateMarkup
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate


class Beginning(Names):
    """Begins texts with a token of its own, as Llama's and Mistral's do."""

    def __init__(self) -> None:
        super().__init__()
        self.bos_ids = (self.special_ids["<s>"],)


TEXT_ALONE = """
{%- for message in messages %}{{ message.role.upper() + ": " + message.content + "\n" }}{% endfor %}
{%- if add_generation_prompt %}{{ "ASSISTANT: " }}{% endif %}"""
TEMPLATES = {
    "chatml": (Names(), CHATML),
    "default-system": (Names(), ChatTemplate.from_source(QWEN25, Names(), NAMES)),
    "llama3": (Beginning(), ChatTemplate.from_source(LLAMA3, Beginning(), NAMES)),
    "mistral": (Beginning(), ChatTemplate.from_source(MISTRAL, Beginning(), NAMES)),
    "chatml-bos": (Beginning(), CHATML),
    "text-alone": (Names(), ChatTemplate.from_source(TEXT_ALONE, Names(), NAMES)),
}
NO_SYSTEM = replace(CHATML, roles={k: v for k, v in CHATML.roles.items() if k != "system"})

TURNS = """
prompt main(q: str) -> str:
    system:
        "Be brief."
    user:
        "Question: {q}"
    assistant:
        a = gen(max_tokens=6)
    user:
        "Sure?"
    assistant:
        b = gen(max_tokens=6)
    return a + b
"""
LOOP = """
prompt main(q: str) -> str:
    user:
        "{q}"
    assistant:
        out = gen(max_tokens=3)
    for i in 1..3:
        user:
            "Again: {i}"
        assistant:
            out = gen(max_tokens=3)
    return out
"""
TEXT_FIRST = """
prompt main(q: str) -> str:
    "Hi. {q}"
    user:
        "x"
    assistant:
        out = gen(max_tokens=3)
    return out
"""
BRANCHES = """
prompt main(q: str) -> str:
    user:
        "Question: {q}"
    assistant:
        fork i in 1..2 as views:
            " {i}: "
            x = gen(max_tokens=3)
        side as s: y = gen(max_tokens=3)
        last = gen(max_tokens=3)
    return "{views.x}{s.y}{last}"
"""
CALLED = """
prompt ask(q: str) -> str:
    user:
        "Question: {q}"
    assistant:
        a = gen(max_tokens=4)
    return a
prompt main(q: str) -> str:
    "{ask(q)}{ask("why")}"
    return gen(max_tokens=3)
"""
RENDERED = [TURNS, LOOP, TEXT_FIRST, BRANCHES, CALLED]


class Backend(Scheduler):
    def __init__(self, tokenizer: Names) -> None:
        size = len(tokenizer.special_ids) + 256
        runner = HashRunner(size, 20_000, MAX_CONTEXT, eos_id=EOS)
        pieces = (*tokenizer.token_bytes, *[b""] * (size - len(tokenizer.token_bytes)))
        super().__init__(runner, Vocabulary.of(pieces, tokenizer.eos_ids), EngineConfig())
        self.prompts: list[tuple[int, ...]] = []

    def submit(self, request: StreamRequest) -> int:
        assert isinstance(request.script[0], Extend)
        self.prompts.append(request.script[0].ids)
        return super().submit(request)


def compiled(text: str, template: str, *, by_value: bool = True, known: bool = True) -> Program:
    sink = DiagnosticSink()
    tokenizer, found = {**TEMPLATES, "no-system": (Names(), NO_SYSTEM)}[template]
    optimization = Optimization(
        parse_pipeline("fold"),
        runs_entry=True,
        by_value=by_value,
        markup=(lambda module: TemplateMarkup.of(tokenizer, found)) if known else None,
    )
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    verify(program.optimized)
    return program


def run(program: Program, template: str) -> tuple[Result, list[tuple[int, ...]]]:
    tokenizer, found = {**TEMPLATES, "no-system": (Names(), NO_SYSTEM)}[template]
    backend = Backend(tokenizer)
    names = {param.name for param in program.plan.functions["main"].params}
    arguments = {k: v for k, v in {"q": "why?", "empty": ""}.items() if k in names}
    executor = Executor(backend, PromptEncoder(tokenizer, found))
    result = executor.drive(executor.submit(program.plan, arguments, seed=5))
    executor.close()
    assert result.error is None, result.error
    return result, backend.prompts


def num_roles(program: Program) -> int:
    return sum("role" in op.attrs for _, op in program.optimized.walk())


def num_nodes(program: Program) -> int:
    return sum(1 for function in program.plan.functions.values() for _ in walk(function.body))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("text", RENDERED, ids=["turns", "loop", "text", "branches", "called"])
def test_the_ids_are_those_of_the_roles(text: str, template: str) -> None:
    plain, rendered = compiled(text, template, known=False), compiled(text, template)
    expected, prompts = run(plain, template)
    result, other = run(rendered, template)
    assert sorted(other) == sorted(prompts)
    assert result.value == expected.value
    assert result.text == expected.text
    # A template without a begin token, on a tokenizer that has one: text would get it, a role not.
    is_left = template == "chatml-bos" and text is not TEXT_FIRST
    assert num_roles(rendered) == (num_roles(plain) if is_left else 0)


@pytest.mark.parametrize(
    ("text", "before", "after"), [(TURNS, 19, 10), (BRANCHES, 22, 20), (CALLED, 16, 14)]
)
def test_the_plan_has_fewer_nodes(text: str, before: int, after: int) -> None:
    counts = [num_nodes(compiled(text, "chatml", known=known)) for known in (False, True)]
    assert counts == [before, after]


def test_what_is_put_between_two_values_is_one_op() -> None:
    lines = print_module(compiled(TURNS, "chatml").optimized).splitlines()
    markup = [line.partition(" = ")[2].partition(" loc")[0] for line in lines if "markup" in line]
    assert markup == [
        'markup %s0, ["", "<|im_start|>", "system\\nBe brief.", "<|im_end|>", "\\n", '
        '"<|im_start|>", "user\\nQuestion: "]',
        'markup %s6, ["", "<|im_end|>", "\\n", "<|im_start|>", "assistant\\n"]',
        'markup %s9, ["", "<|im_end|>", "\\n", "<|im_start|>", "user\\nSure?", '
        '"<|im_end|>", "\\n", "<|im_start|>", "assistant\\n"]',
        'markup %s15, ["", "<|im_end|>", "\\n"]',
    ]


SHOWN = TURNS.replace(" -> str", "").replace("    return a + b\n", "")
SLICED = """
prompt main(q: str) -> str:
    user:
        "Question: {q}"
    side as s:
        assistant:
            x = gen(max_tokens=3)
    return s.text
"""
INCLUDED = """
prompt ask(q: str) -> str:
    user:
        "Question: {q}"
    assistant:
        a = gen(max_tokens=4)
    return a
prompt main(q: str) -> str:
    include ask(q)
    user:
        "{q}"
    assistant:
        b = gen(max_tokens=3)
    return b
"""
LOOPS_FROM_NOTHING = """
prompt main(q: str) -> str:
    out = ""
    for i in 1..3:
        user:
            "Again: {i}"
        assistant:
            out = gen(max_tokens=3)
    return out
"""


@pytest.mark.parametrize("text", [SHOWN, SLICED, INCLUDED], ids=["shown", "sliced", "included"])
def test_roles_stay_where_somebody_may_tell_them_from_text(text: str) -> None:
    plain, other = compiled(text, "chatml", known=False), compiled(text, "chatml")
    assert num_roles(other) == num_roles(plain) > 0
    assert run(other, "chatml")[0].value == run(plain, "chatml")[0].value


MESSAGES = """
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = role.begin %s0 <role = "user">
  %s2 = put %s1, %q
  %s3 = role.end %s2 <role = "user">
  %m = messages %s3
  %t = slice %s1, %s2
  %n = format %m
  return %s3, result = %n
}
"""


def folded(text: str) -> list[str]:
    module = parse_module(text)
    verify(module)
    tokenizer, template = TEMPLATES["chatml"]
    context = Context(
        frozenset({"main"}), True, markup=lambda module: TemplateMarkup.of(tokenizer, template)
    )
    made = parse_pipeline("fold").run(module, context)
    verify(made)
    return [op.name for _, op in made.walk()]


def test_roles_stay_where_messages_are_asked_for() -> None:
    assert "role.begin" in folded(MESSAGES)
    unasked = MESSAGES.replace("  %m = messages %s3\n", "").replace("format %m", "format %t")
    assert "role.begin" not in folded(unasked)
    across = unasked.replace("slice %s1, %s2", "slice %s0, %s2")
    assert "role.begin" in folded(across)


def test_roles_stay_when_the_run_is_looked_at() -> None:
    assert num_roles(compiled(TURNS, "chatml", by_value=False)) == 10


@pytest.mark.parametrize(("template", "roles"), [("chatml", 0), ("llama3", 4), ("mistral", 4)])
def test_roles_stay_where_what_is_written_differs_from_turn_to_turn(
    template: str, roles: int
) -> None:
    program = compiled(LOOPS_FROM_NOTHING, template)
    assert num_roles(program) == roles
    assert run(program, template)[0].text


def test_a_template_that_rewrites_history_is_not_relied_on() -> None:
    template = ChatTemplate.from_source(QWEN3, Names(), NAMES)
    assert not template.prefix_stable
    assert TemplateMarkup.of(Names(), template) is None
    assert TemplateMarkup.of(Names(), None) is None


def test_a_role_that_the_template_does_not_know_is_told_by_the_run() -> None:
    tokenizer, mistral = TEMPLATES["mistral"]
    markup = TemplateMarkup(tokenizer, mistral)
    assert markup.opening("judge", None, has_begun=False) is None
    assert markup.closing("judge") is None
    assert num_roles(compiled(TURNS, "no-system")) == 10


@pytest.mark.parametrize("parts", ['"a"', '["a", "b"]', "[]", '["a", "", "b"]', "[%x]", "[1]"])
def test_markup_is_texts_and_special_tokens_in_turn(parts: str) -> None:
    text = f"prompt @p(%x: str) {{\n  %s0 = stream\n  %s1 = markup %s0, {parts}\n  return %s1\n}}\n"
    with pytest.raises(VerifyError, match="texts and names of special tokens in turn"):
        verify(parse_module(text))


def spelled(ids: Sequence[int], tokenizer: Any) -> str:
    names = {i: name for name, i in tokenizer.special_ids.items()}
    return "".join(names.get(i) or tokenizer.token_bytes[i].decode() for i in ids)


def test_a_value_is_never_a_special_token() -> None:
    program = compiled(TURNS.replace("Be brief.", "<|im_end|>"), "chatml")
    _, prompts = run(program, "chatml")
    tokenizer, _ = TEMPLATES["chatml"]
    assert spelled(prompts[0], tokenizer).startswith("<|im_start|>system\n<|im_end|><|im_end|>\n")
    assert prompts[0].count(tokenizer.special_ids["<|im_end|>"]) == 2


class Source:
    """Draws the body of a prompt: messages, loops, arms, branches."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def add(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def block(self, depth: int, level: int, *, in_loop: bool = False) -> None:
        kinds = ["user", "user", "assistant", "assistant", "text"]
        kinds += ["if", "for", "fork", "side"] if level < 2 else []
        kinds += ["break", "continue"] if in_loop else []
        for _ in range(self.draw(st.integers(1, 3))):
            kind = self.draw(st.sampled_from(kinds))
            getattr(self, f"do_{kind}")(depth, level, in_loop)
            if kind in ("break", "continue"):
                return

    def do_user(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, "user:")
        self.add(depth + 1, self.draw(st.sampled_from(['"{q}"', '"Say. "', '"a{q}b"'])))

    def do_assistant(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, "assistant:")
        self.add(depth + 1, self.draw(st.sampled_from(['"Well, "', '"{q}"', '""'])))
        self.add(depth + 1, "out = gen(max_tokens=3)")

    def do_text(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, self.draw(st.sampled_from(['"text "', '"{q}"', '"{empty}"'])))

    def do_if(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, self.draw(st.sampled_from(["if q == out:", 'if q == "why?":'])))
        self.block(depth + 1, level + 1, in_loop=in_loop)
        if self.draw(st.booleans()):
            self.add(depth, "else:")
            self.block(depth + 1, level + 1, in_loop=in_loop)

    def do_for(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, f"for {self.name()} in 1..{self.draw(st.integers(0, 2))}:")
        self.block(depth + 1, level + 1, in_loop=True)

    def do_fork(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, f"fork {self.name()} in 1..2 as {self.name()}:")
        self.block(depth + 1, level + 1)

    def do_side(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, f"side as {self.name()}:")
        self.block(depth + 1, level + 1)

    def do_break(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, "break")

    def do_continue(self, depth: int, level: int, in_loop: bool) -> None:
        self.add(depth, "continue")


@st.composite
def sources(draw: st.DrawFn) -> str:
    source = Source(draw)
    source.block(1, 0)
    body = "\n".join(source.lines)
    return (
        f'prompt main(q: str, empty: str) -> str:\n    out = ""\n{body}\n'
        '    user:\n        "Last. "\n    assistant:\n        last = gen(max_tokens=3)\n'
        "    return out + last\n"
    )


def test_random_conversations_have_the_ids_of_their_roles() -> None:
    rendered: Counter[str] = Counter()

    @settings(
        max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(sources(), st.sampled_from(sorted(TEMPLATES)))
    def check(text: str, template: str) -> None:
        plain, other = compiled(text, template, known=False), compiled(text, template)
        expected, prompts = run(plain, template)
        result, found = run(other, template)
        assert sorted(found) == sorted(prompts)
        assert result.value == expected.value
        assert result.text == expected.text
        if num_roles(other) == 0:
            rendered[template] += 1

    check()
    assert rendered.total() > 30, rendered
    assert len(rendered) >= 3, rendered
