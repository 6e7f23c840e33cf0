"""Averages; the median has a bug for the agent to find."""


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


def median(values: list[float]) -> float:
    """Return the middle value."""
    return sorted(values)[len(values) // 2 - 1]
