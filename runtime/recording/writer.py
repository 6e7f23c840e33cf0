"""A recording as it is written: one line for everything that happens, as soon as it has.

``docs/running.md`` describes the file. What stands in a line is not said again in a later one: an
op, a plan, and the beginning that a sequence of tokens shares with an earlier one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.serial import plan_to_data
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.executor.rendered import json_value, result_data
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tap import Answer
from sglc.runtime.executor.tape import ToolSite
from sglc.runtime.executor.walk import Asked
from sglc.runtime.recording.keys import call_key, call_site, op_data
from sglc.runtime.recording.pictures import StableIds, as_they_are
from sglc.runtime.recording.place import problem_with
from sglc.runtime.recording.recording import RecordingError
from sglc.runtime.recording.sequences import SharedPrefixes
from sglc.runtime.recording.tool_outcomes import outcome_of
from sglc.runtime.recording.values import answer_data, is_data, to_line

VERSION: Final = 1


class RecordingWriter:
    """Implements Listener: writes one file; any thread may write.

    ``about`` says what is recorded, as JSON; ``stable`` is as of ``recording/pictures.py``.
    Nothing is held back: what was written is in the file if the process dies. ``close`` says that
    the file is whole, ``abandon`` that it stays as it is.

    Raises:
        OSError: the file cannot be written.
        RecordingError: something that is no recording is there.
    """

    def __init__(
        self, path: str | Path, about: Mapping[str, Any], stable: StableIds = as_they_are
    ) -> None:
        problem = problem_with(Path(path))
        if problem is not None:
            raise RecordingError(problem)
        self._stable = stable
        self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115  # closed by `close`
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._ops: dict[str, int] = {}
        self._plans: dict[str, int] = {}
        self._prefixes = SharedPrefixes()
        self._write({"sglrec": VERSION, **about})

    def plan(self, plan: Plan) -> int:
        """Write a plan, unless it was written; return its number."""
        with self._lock:
            number = self._plans.get(plan.digest)
            if number is None:
                number = self._plans[plan.digest] = len(self._plans) + 1
                self._write({"t": "plan", "n": number, "plan": plan_to_data(plan)})
            return number

    def begin_run(
        self, plan: int | None, arguments: Mapping[str, Any], *, seed: int, row: int
    ) -> int:
        """Write that a run begins; return its number. ``row`` is its instance number."""
        given = dict(arguments)
        exact = is_data(given)
        with self._lock:
            number = self._next("run")
            self._write({
                "t": "run", "n": number, "plan": plan, "row": row, "seed": seed,
                "args" if exact else "shown_args": given if exact else json_value(given),
            })  # fmt: skip
            return number

    def end_run(self, number: int, result: Result, *, is_timeout: bool = False) -> None:
        """Write what a run came to; ``is_timeout``: time has ended it, or whoever began it."""
        data = outcome_data(result)
        with self._lock:
            ended = {"timeout": True} if is_timeout else {}
            self._write({"t": "result", "run": number, **ended, **data})

    def answered(self, asked: Asked, answer: Answer) -> None:
        """Write what a model call gave."""
        ids = answer.ids[: answer.num_kept] if isinstance(answer, DecodeResult) else ()
        self._call(asked, {"answer": answer_data(answer)}, ids)

    def failed(self, asked: Asked, message: str) -> None:
        """Write that the backend could not make a model call."""
        self._call(asked, {"failed": message})

    def cancelled(self, asked: Asked) -> None:
        """Write that nobody wanted the answer any more."""
        self._call(asked, {"cancelled": True})

    def tool_ended(self, site: ToolSite, value: Any, error: BaseException | None) -> None:
        """Write what a call of a tool came to."""
        self._tool(site, outcome_of(value, error))

    def tool_cancelled(self, site: ToolSite) -> None:
        """Write that nobody waited for what a call of a tool would come to."""
        self._tool(site, {"cancelled": True})

    def close(self) -> None:
        """Write that this is all, and close the file. A second time does nothing."""
        with self._lock:
            if not self._file.closed:
                names = {"run": "runs", "call": "calls", "tool": "tools"}
                self._write({"t": "end", **{names[k]: self._counts[k] for k in names}})
                self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, unless it is closed."""
        with self._lock:
            self._file.close()

    def _tool(self, site: ToolSite, outcome: Mapping[str, Any]) -> None:
        with self._lock:
            self._next("tool")
            self._write({
                "t": "tool", "name": site.tool.name, "row": site.instance, "path": site.path,
                "args": json_value(site.arguments), **outcome,
            })  # fmt: skip

    def _call(self, asked: Asked, outcome: Mapping[str, Any], kept: Sequence[int] = ()) -> None:
        asked = asked._replace(ids=self._stable(asked.ids))
        with self._lock:
            op = self._op(op_data(asked.op))
            number = self._next("call")
            base, shared = self._prefixes.find(asked.ids)
            self._prefixes.add(number, (*asked.ids, *kept))
            named = {
                "label": asked.op.label,
                "site": call_site(asked),
                "namespace": asked.namespace,
            }
            more = {name: text for name, text in named.items() if text}
            self._write({
                "t": "call", "n": number, "key": call_key(asked), "op": op,
                "seq": [base, shared, asked.ids[shared:]], **more, **outcome,
            })  # fmt: skip

    def _op(self, data: dict[str, Any]) -> int:
        text = repr(data)
        number = self._ops.get(text)
        if number is None:
            number = self._ops[text] = len(self._ops) + 1
            self._write({"t": "op", "n": number, **data})
        return number

    def _next(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind]

    def _write(self, data: Mapping[str, Any]) -> None:
        if not self._file.closed:
            self._file.write(to_line(data))


def outcome_data(result: Result) -> dict[str, Any]:
    """Return what a run came to as JSON, without what it cost.

    Messages are told by the text, and the value of most prompts by their captures.
    """
    left_out = {"stats", "speculated", "committed", "messages"}
    data = {name: value for name, value in result_data(result).items() if name not in left_out}
    if data["value"] == data["captures"]:
        del data["value"]
    return data
