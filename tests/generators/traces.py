"""Traces of runs whose time is known, and what the views need beside them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from generators.timed_runs import record
from generators.view_programs import staged

from sglc.compiler.ir.graph import Module
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.timeline import trace_data
from sglc.viz.atlas import Atlas
from sglc.viz.stages import Stage
from sglc.viz.trace import Trace, TraceFile

BRANCHES = """prompt ask(t: str) -> str:
    "12{t}{inner = gen()}"
    return inner

prompt main():
    user: "1234"
    assistant: "ab{a = gen()}"
    fork i in 1..2 as part:
        "{i}x{b = gen()}"
    user: "{part[0].b}"
    "{ask(a)}"
    assistant: "{c = gen()}"
"""


class Traced(NamedTuple):
    """A program, what it said in the end, and the JSON of its trace."""

    source: SourceFile
    text: str
    trace: str
    graph: Module
    stages: list[Stage]

    def read(self) -> Trace:
        return TraceFile.parse(self.trace, "run.json").read([self.source])

    def atlas(self) -> Atlas:
        names = [name for name, f in self.graph.functions.items() if f.kind == "prompt"]
        return Atlas(self.graph, names)


def traced(program: str, **options: Any) -> Traced:
    """Run a program under a clock, see ``timed_runs.record``, and write its trace."""
    source = SourceFile("a.sgl", program)
    done = record(program, **options)
    about = {"program": "a.sgl", "prompt": "main", "files": {"a.sgl": source.digest}}
    trace = json.dumps(trace_data(done.recorder, about))
    return Traced(source, done.result.text, trace, *staged(source))


def branches() -> Traced:
    return traced(BRANCHES, inner=3, a=2, b=3, c=2, max_running=2, host_ns=3)
