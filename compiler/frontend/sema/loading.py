"""``load("file")``: text read while the program is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.program import Module, Program
from sglc.compiler.plan.data import DataError

if TYPE_CHECKING:
    from sglc.compiler.frontend.sema.consteval import ConstantReader

MAX_LOAD_BYTES = 16 * 1024 * 1024


def load_text(program: Program, module: Module, call: ast.Call, reader: ConstantReader) -> Any:
    """Return the text of the file that ``call`` names, relative to the folder of the module.

    Raises:
        DataError: it cannot be read; the message says why.
    """
    if len(call.args) != 1 or call.kwargs:
        raise DataError('`load` takes the name of one file: load("examples.txt")')
    name = reader.value(call.args[0], {})
    if not isinstance(name, str):
        raise DataError("`load` takes the name of a file as a text")
    if not program.options.trusted:
        program.report(faults.untrusted_load(call.span))
        return ""
    if module.folder is None:
        raise DataError("a program without a file cannot load others")
    path = module.folder / name
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOAD_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file {name} beside the program") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise DataError(f"{name} cannot be read: {reason}") from None
    if len(content) > MAX_LOAD_BYTES:
        raise DataError(f"{name} is larger than {MAX_LOAD_BYTES >> 20} MB")
    if b"\0" in content:
        raise DataError(f"{name} is not a text file: it holds NUL bytes")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 at byte {error.start}") from None
