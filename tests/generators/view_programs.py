"""Programs that the tests of the views share."""

from __future__ import annotations

from pathlib import Path

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.viz.stages import Stage, stages_of

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.sgl"))

TIPS = """type Score = int(1..10)

prompt tips(topic: str) -> int:
    user: "Two tips about {topic}."
    fork i in 1..2 as tip:
        assistant: "Tip {i}: {text = gen(line, max_tokens=32)}"
    assistant: score = gen(Score)
    if score > 5: user: "{tip[0].text}"
    return score
"""

LOOP = """tool find(query: str) -> str from "tools:find"

prompt look(goal: str, turns: int = 4) -> str:
    "Goal: {goal}\\n"
    for n in 1..turns:
        act = select("find", "stop")
        match act:
            "find": "{try find(goal) else "nothing"}\\n"
            "stop": return "stopped"
    return "out of turns"
"""


FOLDED = """prompt outer(t: str):
    unused = 1 + 2
    "a"
    "b{1 + 1}"
    "{t}"
    same = gen(max_tokens=4)
    fork i in 1..2 as part:
        again = gen(max_tokens=8)
    if 1 < 2:
        "yes"
    else:
        "no"
    "{inner(2)} {same}"

prompt inner(n: int) -> str:
    "size {n + 1 + 2}"
    return "x"
"""
"""fold and dce find work in it, each in a stage of its own."""


def staged(source: SourceFile, pipeline: str = "fold,gvn,dce") -> tuple[Module, list[Stage]]:
    """The graph of a program, and its stages behind the passes."""
    made: list[tuple[str, Module]] = []
    optimization = Optimization(
        parse_pipeline(pipeline), watch=lambda each, module: made.append((str(each), module))
    )
    sink = DiagnosticSink()
    program = compile_source(source, sink, None, optimization)
    assert program is not None, sink.diagnostics
    return program.graph, stages_of(program.graph, made, program.changes)


def read(path: Path) -> SourceFile:
    return SourceFile.read(path)


def long_program(num_turns: int, *, folds: bool = False) -> str:
    """``num_turns`` texts and calls in a row, then a loop over as many texts.

    ``folds``: every line has something that fold can compute.
    """
    sum_ = "{1 + 2}" if folds else ""
    body = "".join(
        f'    "line {n} {{topic}}{sum_}"\n    a{n} = gen(max_tokens=4)\n' for n in range(num_turns)
    )
    inner = "".join(f'        "step {n} {{i}}"\n' for n in range(num_turns))
    return f"prompt long(topic: str):\n{body}    for i in 1..3:\n{inner}"
