"""How many files and connections a process may have open."""

from __future__ import annotations

import sys

_MAX_FILES = 1 << 16  # descriptors: each connection is one


def raise_file_limit() -> None:
    """Let this process have as many connections as the system allows it, up to a bound."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
