"""What draws itself: in a notebook, and as a page in a file."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from pathlib import Path


class Drawn(ABC):
    """Something with a page of the visualizer."""

    __slots__ = ()
    name: str
    """What it is the page of."""

    @abstractmethod
    def page(self) -> str:
        """Return an HTML page, by itself."""

    def save(self, path: str | Path) -> None:
        """Write the page to a file.

        Raises:
            OSError: the file cannot be written.
        """
        Path(path).write_text(self.page(), encoding="utf-8")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: print it, or save it as a page>"

    def _repr_html_(self) -> str:
        page = html.escape(self.page(), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="600" style="border:0"></iframe>'
