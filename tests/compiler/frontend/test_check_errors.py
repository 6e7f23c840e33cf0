"""Every program of ``tests/programs/errors`` gives exactly the diagnostics its comments ask for.

A comment ``#~ SGL0405 "text"`` stands behind the line that is wrong; the text, if given, is part of
the message or of what explains it. ``#~ options:`` in the first line sets what the checks assume.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.diagnostics.table import TABLE
from sglc.compiler.frontend.check import CheckOptions, check
from sglc.compiler.source import SourceFile

FOLDER = Path(__file__).parents[2] / "programs" / "errors"
PROGRAMS = sorted(FOLDER.glob("*.sgl"))
WANTED = re.compile(r'#~ (SGL\d{4})(?: "(.*)")?\s*$')
ELSEWHERE = {"00", "09"}  # syntax errors and Python functions have tests of their own
NOT_IN_PROGRAMS = {"SGL0206", "SGL0510", "SGL0604", "SGL0606"}


def options_of(text: str) -> CheckOptions:
    """Return the options that the first line of a program asks for."""
    found = re.match(r"#~ options: (.*)", text)
    given = dict(word.partition("=")[::2] for word in found[1].split()) if found else {}
    flags = {"true": True, "false": False}
    return CheckOptions(
        trusted="untrusted" not in given,
        roles=frozenset(given["roles"].split(",")) if "roles" in given else None,
        tools=frozenset(given["tools"].split(",")) if "tools" in given else None,
        vision=flags.get(given.get("vision", "")),
        prefix_stable=flags.get(given.get("prefix_stable", "")),
    )


def everything(diagnostic: Diagnostic) -> str:
    """Return all words of a diagnostic."""
    words = [diagnostic.message, diagnostic.label, *diagnostic.notes, *diagnostic.helps]
    return "\n".join([*words, *(label.text for label in diagnostic.labels)])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_gives_its_diagnostics(path: Path) -> None:
    sink = DiagnosticSink()
    source = SourceFile.read(path)
    check(source, sink, options=options_of(source.text))
    wanted: dict[tuple[str, int, str], str] = {}
    for file in {path, *(path.parent / "lib").glob("*.sgl")}:
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
            comment = WANTED.search(line)
            if comment and (file == path or "cycle" in path.stem):
                wanted[file.name, number, comment[1]] = comment[2] or ""
    found: dict[tuple[str, int, str], str] = {}
    for diagnostic in sink.diagnostics:
        assert diagnostic.span is not None
        key = (Path(diagnostic.span.file.name).name, diagnostic.span.line, diagnostic.code)
        found[key] = found.get(key, "") + "\n" + everything(diagnostic)
    assert sorted(found) == sorted(wanted)
    for key, text in wanted.items():
        assert text in found[key]


def test_every_code_has_a_program() -> None:
    covered = {f"SGL{path.stem[:4]}" for path in PROGRAMS}
    codes = {code for code in TABLE if code[3:5] not in ELSEWHERE}
    assert codes - covered == NOT_IN_PROGRAMS
