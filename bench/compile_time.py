"""How long the compiler takes, by stage and by pass, and whether that grows with the program alone.

    python bench/compile_time.py
    python bench/compile_time.py --ops 10000 --ops 20000 --passes

A generated program of many prompts (chains, forks, loops, arms, calls, typed values) goes through
parse and check, the graph, the passes of -O2 and lowering; nothing is loaded beforehand but the
modules. Prints seconds of processor time of each stage, ops per second, and for an example of the
README milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source, collector_paused, entry_prompts
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile

EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "tool_use.sgl"
PROMPT: Final = """
prompt part{n}(topic: str) -> int:
    system: "You are helper number {n}. Be brief."
    user: "Tell me about {{topic}}."
    assistant: about = gen(max_tokens=64)
    if "x" in about:
        user: "Again, but shorter."
        assistant: shorter = gen(max_tokens=32)
    fork i in 1..3 as view:
        user: "Rate aspect {{i}} of it."
        assistant: "Score: {{score = gen(int(0..9))}} because"
        reason = gen(max_tokens=16)
    total = {n}
    for word in ["one", "two"]:
        user: "Now {{word}}."
        assistant: total = gen(int(0..99))
    verdict = grade("{{topic}} {n}")
    return total + verdict.score + best(view, by=.score).score
"""
HEAD: Final = """
type Grade = {score: int(0..9), reason: str(max=40)}
prompt grade(text: str) -> Grade:
    "Grade: {text}\\n"
    return gen(Grade)
"""


def program(num_prompts: int) -> str:
    """A program whose entry calls every prompt."""
    parts = [PROMPT.format(n=n) for n in range(num_prompts)]
    calls = "".join(f"    total = total + part{n}(topic)\n" for n in range(num_prompts))
    return (
        HEAD
        + "".join(parts)
        + f"prompt main(topic: str) -> int:\n    total = 0\n{calls}    return total\n"
    )


class Stages:
    """Seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, name: str, function: Callable[[], Any]) -> Any:
        """Call a function and count its time."""
        start = time.process_time()
        found = function()
        self.seconds[name] += time.process_time() - start
        return found


def compile_all(source: SourceFile) -> tuple[int, Stages, dict[str, float]]:
    """Return the number of ops before the passes, the time of each stage and of each pass."""
    with collector_paused():  # as the driver does
        return _compile_all(source)


def _compile_all(source: SourceFile) -> tuple[int, Stages, dict[str, float]]:
    stages, passes = Stages(), Stages()
    sink = DiagnosticSink()
    checked = stages.timed("parse, check", lambda: check_source(source, sink))
    assert checked is not None, sink.diagnostics
    graph: Module = stages.timed("graph", lambda: build_graph(checked))
    stages.timed("verify", lambda: verify(graph))
    count = sum(1 for _ in graph.walk())
    entry = entry_prompts(checked)[0]
    context = Context(frozenset({entry}), True, evaluate_function)
    last = time.process_time()

    def watch(each: Pass, _: Module) -> None:
        nonlocal last
        now = time.process_time()
        passes.seconds[each.name] += now - last
        last = now

    made = stages.timed("passes", lambda: level(2).run(graph, context, watch))
    stages.timed("lower", lambda: lower_module(made, entry))
    return count, stages, passes.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ops", type=int, action="append", help="about so many ops")
    parser.add_argument("--passes", action="store_true", help="also the time of each pass")
    args = parser.parse_args()
    compile_all(SourceFile("warm.sgl", program(2)))  # modules and tables are loaded
    start = time.process_time()
    count, _, _ = compile_all(SourceFile(str(EXAMPLE), EXAMPLE.read_text()))
    print(f"README's example: {count} ops, {1000 * (time.process_time() - start):.1f} ms")
    per_prompt = compile_all(SourceFile("one.sgl", program(10)))[0] / 10
    for wanted in args.ops or [1_000, 10_000, 20_000, 50_000, 100_000]:
        text = program(max(1, round(wanted / per_prompt)))
        gc.collect()
        count, stages, passes = compile_all(SourceFile("bench.sgl", text))
        total = sum(stages.seconds.values())
        shown = ", ".join(f"{name} {seconds:.2f}" for name, seconds in stages.seconds.items())
        print(f"{count} ops: {total:.2f} s, {1e6 * total / count:.0f} us an op ({shown})")
        if args.passes:
            print("   " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in passes.items()))


if __name__ == "__main__":
    main()
