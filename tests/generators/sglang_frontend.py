"""SGLang's own frontend, version 0.4.1 as published.

It is installed without its dependencies; of these it needs a notebook's `display` only to be there.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def sglang_frontend() -> Iterator[Any]:
    """Give the package; whoever lacks it skips the test."""
    display = types.ModuleType("IPython.display")
    display.__dict__.update(HTML=None, display=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
        patch.setitem(sys.modules, "IPython.display", display)
        package = pytest.importorskip(
            "sglang", reason="pip install --no-deps -c constraints.txt sglang"
        )
        assert package.__version__ == "0.4.1"
        yield package
