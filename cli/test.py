"""Run the `test` blocks of programs: on mocks and recordings, or on a model without either."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.models import add_model_options, load_host, refused_tools, seed_of
from sglc.cli.passes import add_pass_options, pipeline_of
from sglc.cli.programs import compile_or_report, read_source
from sglc.cli.recorded_tests import RecordingFiles

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.frontend.graph.harness import RunStep, TestCase
    from sglc.compiler.ir.graph import Module
    from sglc.runtime.executor.run import Result
    from sglc.runtime.host import Host


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("paths", nargs="+", metavar="PROGRAM", help="a .sgl file")
    parser.add_argument(
        "--record", action="store_true", help="ask the model, and write the recordings anew"
    )
    add_model_options(parser)
    # A mock answers call by call: with calls merged or left out, others would get its answers.
    add_pass_options(parser, default=0)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Run every test of every file; 1 when one does not hold or a program has errors."""
    args = parser.parse_args(words)
    from sglc.compiler.driver import Optimization

    optimization = Optimization(pipeline_of(args))
    passed = failed = broken = 0
    for path in args.paths:
        program = compile_or_report(read_source(path), optimization)
        if program is None:
            broken += 1
            continue
        from sglc.compiler.frontend.graph.harness import build_tests

        module, cases = build_tests(program.checked, program.graph)
        runner = _Runner(args, path, program, module)
        with runner.recordings:
            for case in cases:
                problem = runner.run(case)
                print(f"{'ok  ' if problem is None else 'FAIL'} {path}: {case.title}")
                if problem is not None:
                    print("     " + problem.replace("\n", "\n     "))
                passed, failed = passed + (problem is None), failed + (problem is not None)
    print(f"{passed} passed, {failed} failed")
    return EXIT_ERRORS if failed or broken else EXIT_OK


class _Runner:
    """Runs the tests of one program; the model is loaded when the first test needs it."""

    def __init__(
        self, args: argparse.Namespace, path: str, program: Program, module: Module
    ) -> None:
        self._args = args
        self._path = path
        self._plan = program.plan
        self.recordings = RecordingFiles(args, path, program)
        self._module = module
        self._host: Host | None = None

    def run(self, case: TestCase) -> str | None:
        """Return what is wrong, or None."""
        from sglc.compiler.frontend.graph.harness import RunStep

        runs: dict[str, Any] = {}
        for step in case.steps:
            if isinstance(step, RunStep):
                try:
                    result, wrong = self._result(step, runs)
                except UsageError as error:
                    if step.recording is None:
                        raise
                    return f"{step.span}: {error}"  # of this test alone: others may hold
                if wrong is not None:
                    return f"{step.span}: {wrong}"
                if result.error is not None:
                    return f"{step.span}: {result.error}"
                runs[step.name] = self._as_record(step, result)
                continue
            told = self._evaluate(step.function, runs)
            if not told["holds"]:
                from sglc.runtime.executor.rendered import json_value

                shown = json.dumps(json_value(runs), ensure_ascii=False, indent=1)
                reason = f" ({told['message']})" if told["message"] else ""
                return f"{step.span}: {step.span.text}{reason}\n{shown}"
        return None

    def _result(self, step: RunStep, runs: Mapping[str, Any]) -> tuple[Result, str | None]:
        plan = self._plan.with_entry(step.prompt)
        arguments = self._evaluate(step.arguments, runs)
        seed = seed_of(self._args, plan.config)
        with refused_tools():
            if step.recording is not None:
                file = self._evaluate(step.recording, runs)["file"]
                return self.recordings.run(file, plan, arguments, seed, self._model_host)
            if step.mock is not None:
                host = self._mock_host(self._evaluate(step.mock, runs))
            else:
                host = self._model_host()
            return host.run(plan, arguments, seed=seed), None

    def _model_host(self) -> Host:
        self._host = self._host or load_host(self._args, self._path, self._plan.config)
        return self._host

    def _mock_host(self, texts: Mapping[str, Any]) -> Host:
        with needed_for("testing"):
            from sglc.runtime.host import scripted
        return scripted(texts, search_path=(str(Path(self._path).resolve().parent),))

    def _as_record(self, step: RunStep, result: Result) -> dict[str, Any]:
        if self._module.functions[step.prompt].result is None:
            return {"text": result.text, **result.captures}
        return {"text": result.text, "result": result.value}

    def _evaluate(self, function: str, runs: Mapping[str, Any]) -> dict[str, Any]:
        from sglc.compiler.evaluation import NoModel
        from sglc.compiler.interpreter import interpret

        names = {parameter.name for parameter in self._module.functions[function].params}
        given = {name: value for name, value in runs.items() if name in names}
        outcome = interpret(self._module, function, given, NoModel())
        if outcome.error is not None:
            return {"holds": False, "message": str(outcome.error)}
        value: dict[str, Any] = outcome.value
        return value
