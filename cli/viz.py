"""Draw a program: a page with linked views, or its graph as a text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.viz.atlas import Atlas


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("path", metavar="PROGRAM", help="a .sgl file")
    parser.add_argument("--prompt", metavar="NAME", help="only this prompt and what it calls")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("-o", "--out", metavar="FILE", help="write the page: HTML, needs no network")
    form.add_argument("--tree", action="store_true", help="print a tree for the terminal")
    form.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    form.add_argument("--mermaid", action="store_true", help="print the graph for Mermaid")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile the program, then write or print the form asked for."""
    args = parser.parse_args(words)
    from sglc.cli.programs import compile_or_report, read_source

    program = compile_or_report(read_source(args.path))
    if program is None:
        return EXIT_ERRORS
    atlas = _atlas(program, args.prompt)
    if args.out is not None:
        from sglc.viz.page import page_data, render_page

        page = render_page(page_data(atlas, Path(args.path).name))
        Path(args.out).write_text(page, encoding="utf-8")
    elif args.tree:
        from sglc.viz.tree import tree_text

        print(tree_text(atlas, color=sys.stdout.isatty()), end="")
    elif args.dot:
        from sglc.viz.dot import dot_text

        print(dot_text(atlas), end="")
    else:
        from sglc.viz.mermaid import mermaid_text

        print(mermaid_text(atlas), end="")
    return EXIT_OK


def _atlas(program: Program, prompt: str | None) -> Atlas:
    """The functions to show: those asked for, else all prompts of the file.

    Raises:
        UsageError: there is no such prompt, or none at all.
    """
    from sglc.compiler.diagnostics.suggest import closest
    from sglc.viz.atlas import Atlas

    functions = program.graph.functions
    own = [name for name, f in functions.items() if f.kind == "prompt" and "." not in name]
    if prompt is not None and (prompt not in functions or functions[prompt].kind != "prompt"):
        near = closest(prompt, own)
        hint = f"; did you mean `{near}`?" if near else f"; there are: {', '.join(own)}"
        raise UsageError(f"--prompt: no prompt `{prompt}`{hint if own else ''}")
    if not own and prompt is None:
        raise UsageError("the program has no prompt: nothing to draw")
    first = [name for name in own if name == program.plan.entry]
    rest = [name for name in own if name not in first]
    return Atlas(program.graph, [prompt] if prompt is not None else [*first, *rest])
