"""How results look on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Function
    from sglc.runtime.executor.events import RunEvent
    from sglc.runtime.executor.run import Result


def print_result(result: Result, function: Function, stream: TextIO) -> None:
    """Print the value of a typed prompt, else the conversation and the results it does not show.

    Of a failed run everything that was finished is printed.
    """
    if function.result is not None and result.error is None:
        print(value_text(result.value), file=stream)
        return
    said = "\n".join(f"{m['role']}: {m['content']}" for m in result.messages) or result.text
    if said:
        print(said, file=stream)
    if result.error is not None:
        if result.captures:
            from sglc.runtime.executor.rendered import json_value

            partial = {"partial": json_value(result.captures)}
            print(json.dumps(partial, ensure_ascii=False), file=stream)
        return
    unseen = {k: value_text(v) for k, v in result.captures.items() if v is not None}
    unseen = {name: text for name, text in unseen.items() if text not in said}
    if said and unseen:
        print(file=stream)
    for name, text in unseen.items():
        print(f"{name} = {text}", file=stream)


def value_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    from sglc.runtime.executor.rendered import json_value

    return value if isinstance(value, str) else json.dumps(json_value(value), ensure_ascii=False)


def stream_printer(stream: TextIO) -> Callable[[RunEvent], None]:
    """Return a listener that prints the text of model calls as it comes.

    A line begins with the name of the capture; it breaks whenever another one has text.
    """
    current: list[tuple[str, str]] = []

    def listen(event: RunEvent) -> None:
        if event.t != "delta":
            return
        key = (event.path, event.name)
        if current != [key]:
            label = event.name + (f"[{event.path}]" if event.path else "")
            print(f"{chr(10) if current else ''}{label}: ", end="", file=stream)
            current[:] = [key]
        print(event.value, end="", file=stream, flush=True)

    return listen
