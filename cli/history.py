"""Histories on disk: what runs of a program have shown, for the passes of later ones.

A file holds counts by places in the source, and nothing of what was given or written.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from sglc.compiler.passes.history import History
    from sglc.compiler.plan.plan import Loc
    from sglc.runtime.executor.run import Result

AUTO = "auto"
FOLDER = "history"


def add_history_option(parser: argparse.ArgumentParser, *, writes: bool) -> None:
    """Declare the option; ``writes`` says that what is run is counted too."""
    parser.add_argument(
        "--history", metavar="FILE.json",
        help="which arms earlier runs took: what is likely may begin early"
        + ("; this one is added" if writes else "")
        + f" (`{AUTO}`: a file in the cache folder)",
    )  # fmt: skip


class HistoryFile:
    """The history of one program, in a file that need not be there yet.

    Use: ``read`` with the digest of its graph, ``add`` results, ``write``.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._path: Path | None = None
        self._digest = ""
        self._arms: Counter[tuple[str, str]] = Counter()
        self._texts: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    @classmethod
    def of(cls, args: argparse.Namespace) -> HistoryFile | None:
        """Return the file that is asked for, if one is.

        Raises:
            UsageError: it is the file of another option.
        """
        if args.history is None:
            return None
        for option in ("inputs", "out", "profile_json", "trace", "program", "path"):
            other = getattr(args, option, None)
            if other is not None and Path(other).resolve() == Path(args.history).resolve():
                raise UsageError(f"--history: {other} is already another file of this command")
        return cls(args.history)

    def read(self, digest: str) -> History:
        """Return what is known of the program; nothing, if there is no file.

        Raises:
            UsageError: the file is no history, or that of another program, or cannot be read.
        """
        self._path, self._digest = self._place(digest), digest
        return _read(self._path, digest)

    def add(self, result: Result) -> None:
        """Count a run."""
        for (loc, arm), count in result.arms.items():
            self._arms[_place_of(loc), arm] += count
        for place, cost in result.stats.items():
            if place is not None and cost.completion_tokens and not cost.wasted_tokens:
                self._texts[_place_of(place)] += cost.calls
                self._tokens[_place_of(place)] += cost.completion_tokens

    def write(self) -> None:
        """Add the runs to what stands in the file now, and put it in its place at once.

        Raises:
            CommandError: it cannot be written.
        """
        assert self._path is not None
        if not (self._arms or self._texts):
            return
        history = _read(self._path, self._digest)
        for (place, arm), count in self._arms.items():
            history = history.with_arm(place, arm, count)
        for place, count in self._texts.items():
            history = history.with_texts(place, count, self._tokens[place])
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(history.to_data(), indent=1) + "\n", encoding="utf-8")
            os.replace(temporary, self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise CommandError(f"--history: {self._path}: {error.strerror or error}") from None

    def _place(self, digest: str) -> Path:
        if self._wanted != AUTO:
            return Path(self._wanted)
        from sglc.runtime.config import cache_folder

        folder = cache_folder()
        if folder is None:
            raise UsageError(
                "--history auto keeps counts in the cache folder, and there is none: "
                "set SGLC_CACHE_DIR, or name a file"
            )
        return folder / FOLDER / f"{digest.removeprefix('sha256:')[:16]}.json"


def _read(path: Path, digest: str) -> History:
    from sglc.compiler.passes.history import History, HistoryError, from_data

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return History(digest)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise UsageError(f"--history: {path}: {reason}") from None
    try:
        history = from_data(json.loads(text))
    except (json.JSONDecodeError, RecursionError):
        raise UsageError(f"--history: {path} is no history: not JSON; delete it") from None
    except HistoryError as error:
        raise UsageError(f"--history: {path} is no history: {error}; delete it") from None
    if history.digest != digest:
        raise UsageError(
            f"--history: {path} counts runs of another program, or of this one before it was "
            "changed: name another file, or delete it"
        )
    return history


def _place_of(loc: Loc) -> str:
    from sglc.compiler.plan.arms import place_name

    return place_name(loc.file, loc.line, loc.column)
