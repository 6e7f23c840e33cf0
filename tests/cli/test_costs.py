"""The table of costs: the source with columns in front, exactly as printed."""

from __future__ import annotations

import io

from generators.timed_runs import record

from sglc.cli.costs import print_costs
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder

PROGRAM = """prompt one() -> str:
    "1{a = gen()}"
    return a
prompt main():
    "{one()}{one()}"
    "x{b = gen()}"
"""


TABLE = """\
       tokens                 milliseconds               share of
calls  prompt  prefilled  decoded  queue  prefill  decode  path  a.sgl
                                                                    1 prompt one() -> str:
    2       2          2       40   25.0      2.5    47.5   82%     2     "1{a = gen()}"
                                                                    3     return a
                                                                    4 prompt main():
                                                                    5     "{one()}{one()}"
    1       3          3        9             1.2    10.0   18%     6     "x{b = gen()}"
    3       5          5       49   25.0      3.8    57.5  100%  total
critical path 61.2 ms of 61.2 ms
"""


def table(profile: Profile, *sources: SourceFile) -> str:
    stream = io.StringIO()
    print_costs(profile, sources, stream)
    return stream.getvalue()


def test_lines_that_cost_something_have_cells_and_empty_columns_are_left_out() -> None:
    recorded = record(PROGRAM, max_running=1, step_ns=1_250_000, a=20, b=9)
    assert table(Profile.of(recorded.recorder), SourceFile("a.sgl", PROGRAM)) == TABLE


def test_other_files_show_only_the_lines_that_cost_something() -> None:
    profile = Profile.of(record(PROGRAM, a=2, b=1).recorder)
    entry = SourceFile("entry.sgl", "import a\n")
    unused = SourceFile("unused.sgl", "let x = 1\n")
    lines = table(profile, entry, SourceFile("a.sgl", PROGRAM), unused).splitlines()
    shown = [line.split("  ")[-1].strip() for line in lines]
    assert [s for s in shown if s.endswith((".sgl", "import a", "…", ')}"'))] == [
        "entry.sgl", "1 import a", "a.sgl", "…", '"1{a = gen()}"', "…", '"x{b = gen()}"',
    ]  # fmt: skip


def test_without_a_run_there_are_no_sums() -> None:
    assert table(Profile.of(Recorder()), SourceFile("a.sgl", "let x = 1\n")).splitlines()[-1] == (
        "nothing was run"
    )
