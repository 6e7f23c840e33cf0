"""How functions, states, results and batches show themselves in a notebook.

Nothing is run and nothing is waited for: what is there so far is shown.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sglc.files.results import ProgramResult
    from sglc.program.functions import Function
    from sglc.program.state import ProgramState
    from sglc.runtime.executor.stream import Stream

_MODEL: Final = "background:#b5269a22;border-radius:3px"
_ROLE: Final = "color:#17794f;font-weight:600"
_FAULT: Final = "color:#b00020"
_BOX: Final = "white-space:pre-wrap;font-family:ui-monospace,monospace;line-height:1.45"
_MOST_CHARS: Final = 20_000
_MOST_ROWS: Final = 200
_MOST_CELL: Final = 300


class States(list["ProgramState"]):
    """The states of a batch, in the order of its rows. In a notebook they are a table."""

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for state in self for name in state.variables))
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *names))
        shown = self[:_MOST_ROWS]
        rows = "".join(
            f"<tr><td>{number}</td>{_row(state, names)}</tr>" for number, state in enumerate(shown)
        )
        done = sum(state.stream_done for state in self)
        more = f", the first {len(shown)} of them shown" if len(shown) < len(self) else ""
        return (
            f"<div>{len(self)} rows, {done} done{more}</div>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def state_html(state: ProgramState) -> str:
    """Return the text of a state, what the model wrote on a ground of its own, then its values."""
    version = state.latest
    parts = [] if version is None else [*_parts(version, _named_calls(state))]
    if not state.stream_done:
        parts.append("…")
    fault = state.fault
    if fault is not None:
        parts.append(f'<div style="{_FAULT}">{html.escape(str(fault))}</div>')
    names = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{_value(state, name)}</td></tr>"
        for name in state.variables
    )
    table = f"<table>{names}</table>" if names else ""
    return f'<div style="{_BOX}">{"".join(parts)}</div>{table}'


def result_html(result: ProgramResult) -> str:
    """Return the text of a run of a program from a file, why it failed, and its captures."""
    said = [
        f'<div style="{_ROLE}">{html.escape(message["role"])}</div>{_content(message["content"])}'
        for message in result.messages
    ]
    parts = said or [html.escape(result.text[-_MOST_CHARS:])]
    if result.error is not None:
        parts.append(f'<div style="{_FAULT}">{html.escape(str(result.error))}</div>')
    names = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(_clipped(str(value)))}</td></tr>"
        for name, value in result.captures.items()
    )
    table = f"<table>{names}</table>" if names else ""
    return f'<div style="{_BOX}">{"".join(parts)}</div>{table}'


def _content(content: object) -> str:
    return html.escape(content if isinstance(content, str) else str(content))


def function_html(function: Function) -> str:
    """Return the graph of a function; if it has none, why not, and what its runs have done."""
    from sglc.errors import NotLowered

    try:
        return function.graph()._repr_html_()
    except NotLowered as error:
        reason = html.escape(str(error))
    text = html.escape(f"{function!r}\n{function.history()}")
    return f'<div style="{_FAULT}">{reason}</div><pre>{text}</pre>'


def _named_calls(state: ProgramState) -> set[int]:
    """The versions of prompts behind calls that have a name, by identity."""
    cells = [variable.stream for variable in state.variables.values()]
    return {id(cell.value) for cell in cells if cell is not None and cell.done}


def _parts(version: Stream, calls: set[int]) -> Iterator[str]:
    """The segments of a prompt, the last ones if they are many."""
    from sglc.compiler.plan.segments import Media, RoleBegin, RoleEnd, Text

    links: list[Stream] = []
    link: Stream | None = version
    size = 0
    while link is not None and size < _MOST_CHARS:
        links.append(link)
        size += len(link.segment.text) if isinstance(link.segment, Text) else 0
        link = link.parent
    if link is not None:
        yield "…"
    for each in reversed(links):
        match each.segment:
            case None:
                continue
            case Text(text) if id(each) in calls or _is_written(each):
                yield f'<span style="{_MODEL}">{html.escape(text)}</span>'
            case Text(text):
                yield html.escape(text)
            case RoleBegin(role):
                yield f'<div style="{_ROLE}">{html.escape(role)}</div>'
            case RoleEnd():
                yield "\n"
            case Media() as media:
                yield f"[{html.escape(media.kind)}]"
            case other:
                yield html.escape(str(other))


def _is_written(link: Stream) -> bool:
    """Whether a call without a name has written it: calls have random numbers or a probability."""
    before = link.parent
    return before is not None and (link.lineage != before.lineage or link.logprob != before.logprob)


def _row(state: ProgramState, names: Sequence[str]) -> str:
    fault = state.fault
    if fault is not None:
        text = html.escape(_clipped(str(fault)))
        return f'<td colspan="{max(1, len(names))}" style="{_FAULT}">{text}</td>'
    return "".join(f"<td>{_value(state, name)}</td>" for name in names)


def _value(state: ProgramState, name: str) -> str:
    variable = state.variables.get(name)
    return "" if variable is None else html.escape(_clipped(str(_shown(variable))))


def _shown(variable: Any) -> Any:
    if variable.items is not None:
        return [_shown(item) for item in variable.items]
    if variable.cell is None:
        return variable.value
    if not variable.cell.done:
        return "…"
    return "" if variable.cell.error is not None else variable.cell.value


def _clipped(text: str) -> str:
    return text if len(text) <= _MOST_CELL else text[: _MOST_CELL - 1] + "…"
