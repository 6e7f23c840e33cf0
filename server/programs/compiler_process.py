"""The compiler's process: answers questions about uploads on standard input, one at a time.

Compiling is Python that never waits, and a program may make it long or large: it is done where it
takes neither the interpreter nor the memory of anybody else.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final

from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.base import Markup
from sglc.runtime.models.files import load_files
from sglc.runtime.tokenizer.markup import TemplateMarkup
from sglc.server.programs.building import ProgramRefused, built, make
from sglc.server.programs.upload import (
    Build,
    CompilerSettings,
    Question,
    Refused,
    Reply,
    Show,
    Shown,
)

if TYPE_CHECKING:
    from sglc.viz.trace import TraceFile

LENGTH: Final = 8  # bytes of the length before each message, little-endian


class Compiler:
    """Answers questions. The model's template is read once."""

    def __init__(self, settings: CompilerSettings) -> None:
        self._settings = settings
        self._markup: Markup | None = None
        files = load_files(settings.model, settings.tokenizer, settings.chat_template)
        self._markup = TemplateMarkup.of(files.tokenizer, files.template)

    def answer(self, question: Question) -> Reply:
        """Return what was asked for, or why not."""
        try:
            match question:
                case Build(upload):
                    return built(upload, self._settings, self._markup_of)
                case Show():
                    return Shown(_form(question, self._settings, self._markup_of))
        except ProgramRefused as error:
            return error.refused
        except (RecursionError, MemoryError) as error:
            what = (
                "nests too deep" if isinstance(error, RecursionError) else "takes too much memory"
            )
            return Refused(f"the program is too large: it {what}", code="program_too_large")

    def _markup_of(self, module: Module) -> Markup | None:
        return self._markup


def _form(
    question: Show, settings: CompilerSettings, markup: Callable[[Module], Markup | None]
) -> bytes:
    from sglc.compiler.ir.serial import to_data
    from sglc.compiler.ir.text import print_module
    from sglc.compiler.plan.serial import plan_to_data

    if question.form == "page":
        return _page(question, settings, markup)
    made = make(question.upload, settings, markup)
    graph = made.graph if question.is_written else made.optimized
    if question.form == "graph":
        return print_module(graph).encode()
    data = plan_to_data(made.plan) if question.form == "plan" else to_data(graph)
    return json.dumps(data, ensure_ascii=False).encode()


def _page(
    question: Show, settings: CompilerSettings, markup: Callable[[Module], Markup | None]
) -> bytes:
    from sglc.viz.atlas import Atlas
    from sglc.viz.page import page_data, render_page
    from sglc.viz.stages import stages_of

    stages: list[tuple[str, Module]] = []
    made = make(
        question.upload,
        settings,
        markup,
        lambda each, module: stages.append((str(each), module)),
    )
    trace = None if question.trace is None else _trace(question.trace)
    entry = None if trace is None else str(trace.about["prompt"])
    names = [entry] if entry is not None else []
    names += [name for name in made.prompts if name != entry]
    data = page_data(
        Atlas(made.graph, names),
        question.upload.entry or made.prompts[0],
        stages_of(made.graph, stages, made.changes),
        None if trace is None else trace.read(made.sources),
    )
    return render_page(data).encode()


def _trace(data: bytes) -> TraceFile:
    from sglc.viz.trace import TraceFile

    return TraceFile.parse(data.decode(), "the trace")


def serve(settings: CompilerSettings) -> None:
    """Answer until standard input is closed."""
    _limit_memory(settings.memory_bytes)
    if hasattr(os, "nice"):
        os.nice(10)  # the engine goes first where processors are few
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    compiler = Compiler(settings)
    while (question := _receive(sys.stdin.buffer)) is not None:
        try:
            reply = pickle.dumps(compiler.answer(question), pickle.HIGHEST_PROTOCOL)
        except (RecursionError, MemoryError):
            reply = pickle.dumps(
                Refused("the program is too large to be handed over", code="program_too_large")
            )
        answers.write(len(reply).to_bytes(LENGTH, "little") + reply)
        answers.flush()


def _receive(stream: IO[bytes]) -> Question | None:
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    question: Question = pickle.loads(stream.read(int.from_bytes(head, "little")))
    return question


def _limit_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # not a Unix: the time limit must do
        return
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    serve(pickle.loads(bytes.fromhex(sys.argv[1])))
