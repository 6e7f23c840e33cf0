"""The page behind a code: what ``sglc explain SGL0504`` prints."""

from __future__ import annotations

from sglc.compiler.diagnostics.pages import (
    constraints,
    control,
    cost,
    names,
    python,
    streams,
    syntax,
    tools,
    types,
)
from sglc.compiler.diagnostics.pages.page import Page
from sglc.compiler.diagnostics.suggest import closest
from sglc.compiler.diagnostics.table import TABLE

_PAGES: dict[str, Page] = {
    **syntax.PAGES,
    **names.PAGES,
    **streams.PAGES,
    **control.PAGES,
    **types.PAGES,
    **constraints.PAGES,
    **cost.PAGES,
    **tools.PAGES,
    **python.PAGES,
}


def find_page(code: str) -> Page:
    """Return the page of a code.

    Raises:
        KeyError: there is no such code.
    """
    return _PAGES[code]


def explain(code: str) -> str:
    """Return the page of a code as text; letter case and the ``SGL`` may be left out.

    Raises:
        ValueError: there is no such code; the message suggests one.
    """
    wanted = code.strip().upper()
    wanted = f"SGL{wanted:0>4}" if wanted.isdigit() else wanted
    if wanted not in TABLE:
        near = closest(wanted, TABLE)
        hint = f"; did you mean {near}?" if near else "; `sglc explain` lists them"
        raise ValueError(f"unknown code {code!r}{hint}")
    entry, page = TABLE[wanted], find_page(wanted)
    return "\n".join(
        (
            f"{entry.severity.value}[{wanted}]: {entry.title}",
            "",
            page.why,
            "",
            "Gets it:",
            "",
            _indented(page.wrong),
            "",
            "Does not:",
            "",
            _indented(page.right),
            "",
        )
    )


def list_codes() -> str:
    """Return one line per code."""
    rows = (f"{code}  {entry.severity.value:<7}  {entry.title}" for code, entry in TABLE.items())
    return "\n".join(rows) + "\n"


def _indented(program: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in program.strip("\n").split("\n"))
