"""What a command needs beyond the package itself, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sglc.cli.errors import CommandError


@contextmanager
def needed_for(what: str, extra: str = "local") -> Iterator[None]:
    """Import what ``what`` needs, which the ``extra`` of the package brings.

    Raises:
        CommandError: it is not installed; says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise CommandError(f"{what} needs {error.name}: pip install 'sglc[{extra}]'") from None
