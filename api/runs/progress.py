"""The progress bar of a batch, on stderr: that of tqdm where it is installed, else a count."""

from __future__ import annotations

import sys


class Progress:
    """Shows how many of ``total`` rows are done."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = 0
        self._bar = None
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            self._write()
        else:
            self._bar = tqdm(total=total, file=sys.stderr)

    def show(self, done: int) -> None:
        """Show that so many are done."""
        if done == self._shown:
            return
        if self._bar is not None:
            self._bar.update(done - self._shown)
        self._shown = done
        if self._bar is None:
            self._write()

    def close(self, done: int) -> None:
        """Show the last count, and leave the line."""
        self.show(done)
        if self._bar is not None:
            self._bar.close()
        else:
            sys.stderr.write("\n")

    def _write(self) -> None:
        sys.stderr.write(f"\r{self._shown}/{self._total} rows")
        sys.stderr.flush()
