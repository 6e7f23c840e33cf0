"""The checks of a program: from source text to ``Checked``, or to every mistake at once."""

from __future__ import annotations

from sglc.compiler.diagnostics import codes
from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.frontend.modules import Loader, unused_imports
from sglc.compiler.frontend.parser import parse
from sglc.compiler.frontend.sema.bodies import check_fn, check_prompt
from sglc.compiler.frontend.sema.declarations import Declarations
from sglc.compiler.frontend.sema.graph import in_order
from sglc.compiler.frontend.sema.harness import check_batches, check_tests
from sglc.compiler.frontend.sema.program import CheckOptions, FnEntity, Program
from sglc.compiler.source import SourceFile

__all__ = ["CheckOptions", "check", "check_tree"]

_DEFAULT = CheckOptions()


def check(
    source: SourceFile, sink: DiagnosticSink, *, options: CheckOptions = _DEFAULT
) -> Checked | None:
    """Parse and check a file with all it imports; None when there is an error."""
    return check_tree(parse(source, sink), sink, options=options)


def check_tree(
    tree: ast.Module, sink: DiagnosticSink, *, options: CheckOptions = _DEFAULT
) -> Checked | None:
    """Check a parsed file with all it imports; None when ``sink`` holds an error."""
    checked = Checked(entry=tree, modules=())
    program = Program(options=options, sink=sink, checked=checked, modules=[])
    entry = Loader(program).load_entry(tree)
    checked.modules = tuple(module.tree for module in program.modules)
    declarations = [Declarations(program, module) for module in program.modules]
    for each in declarations:
        each.config()
    checked.config = dict(entry.config)
    for each in declarations:
        each.signatures()
    for entity in in_order(program):
        if isinstance(entity, FnEntity):
            check_fn(program, entity)
        else:
            check_prompt(program, entity)
    check_batches(program, entry)
    check_tests(program, entry)
    for module in program.modules:
        for name, span in unused_imports(module):
            program.report(codes.unused_name(span, name, "import"))
    return None if sink.has_errors else checked
