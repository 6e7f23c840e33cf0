"""Exit codes, and the errors that a command ends with."""

from __future__ import annotations

EXIT_OK = 0
EXIT_ERRORS = 1
EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on; the message says why and what to do, ``code`` is the exit code."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


class UsageError(CommandError):
    """The command was called wrongly."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_USAGE)
