"""The graph of a program from a file: as text, and as the page of the visualizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.views.drawn import Drawn

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.ir.graph import Module


@dataclass(frozen=True, slots=True, repr=False)
class ProgramGraph(Drawn):
    """The graph of prompt ``name``, as it is run. In a notebook it shows itself.

    ``made`` has the module that each pass made, by the name of the pass.
    """

    name: str
    program: Program
    made: tuple[tuple[str, Module], ...]

    def __str__(self) -> str:
        """The text that the passes leave: what ``sglc ir`` prints."""
        from sglc.compiler.ir.text import print_module

        return print_module(self.program.optimized)

    def page(self) -> str:
        """Return an HTML page, by itself: the graph, the source, what each pass did."""
        from sglc.viz.atlas import Atlas
        from sglc.viz.page import page_data, render_page
        from sglc.viz.stages import stages_of

        program = self.program
        stages = stages_of(program.graph, self.made, program.changes)
        file = Path(program.checked.entry.file.name).name
        return render_page(page_data(Atlas(program.graph, [self.name]), file, stages))
