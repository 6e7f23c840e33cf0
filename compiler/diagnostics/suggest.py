"""Did you mean …? Only names that a slip of the hand explains."""

from __future__ import annotations

from collections.abc import Iterable

MAX_COMPARED_LEN = 64


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the nearest candidate within a third of the length of ``name``, or None.

    Ties go to the one that sorts first; a difference in case only is always near enough.
    """
    limit = len(name) // 3
    best: tuple[int, str] | None = None
    for candidate in sorted(set(candidates)):
        if candidate == name or max(len(name), len(candidate)) > MAX_COMPARED_LEN:
            continue
        found = 0 if candidate.lower() == name.lower() else distance(name, candidate)
        if found <= limit and (best is None or found < best[0]):
            best = (found, candidate)
    return best[1] if best else None


def did_you_mean(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the help line for a misspelled name, or nothing."""
    found = closest(name, candidates)
    if found is None:
        return ()
    return (f"did you mean {found}?" if found.startswith('"') else f"did you mean `{found}`?",)


def meant(name: str, candidates: Iterable[str], otherwise: str) -> str:
    """Return what may have been meant by a misspelled name, for an error; else ``otherwise``."""
    return next(iter(did_you_mean(name, candidates)), otherwise)


def distance(left: str, right: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours (Damerau, restricted)."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
