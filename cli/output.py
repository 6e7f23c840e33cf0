"""How results look on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Function
    from sglc.runtime.executor.result import Result


def print_result(result: Result, function: Function, stream: TextIO) -> None:
    """Print the value of a typed prompt, else the conversation with what the model wrote in it.

    Of a failed run everything that was finished is printed.
    """
    if function.result is not None and result.error is None:
        print(value_text(result.value), file=stream)
        return
    if result.messages:
        for message in result.messages:
            print(f"{message['role']}: {message['content']}", file=stream)
    elif result.text:
        print(result.text, file=stream)
    if result.error is not None and result.captures:
        print(json.dumps({"partial": result.captures}, ensure_ascii=False), file=stream)


def value_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def stream_printer(stream: TextIO) -> Callable[[Mapping[str, Any]], None]:
    """Return a listener that prints the text of model calls as it comes.

    Text of one branch is printed as it arrives; a line names the capture whenever it changes.
    """
    current: list[tuple[str, str]] = []

    def listen(event: Mapping[str, Any]) -> None:
        if event["t"] != "delta":
            return
        key = (event["path"], event["name"])
        if current != [key]:
            label = event["name"] + (f"[{event['path']}]" if event["path"] else "")
            print(f"{chr(10) if current else ''}{label}: ", end="", file=stream)
            current[:] = [key]
        print(event["text"], end="", file=stream, flush=True)

    return listen
