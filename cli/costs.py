"""A profile on a terminal: the source, line by line, behind columns of what each line cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from sglc.compiler.source import SourceFile
    from sglc.runtime.executor.profile import Cost, Profile
    from sglc.runtime.executor.records import Phase


class _Column(NamedTuple):
    """The name of its group stands above the first of them; an empty cell is a zero."""

    group: str
    title: str
    cell: Callable[[Cost], str]


def print_costs(profile: Profile, sources: Sequence[SourceFile], stream: TextIO) -> None:
    """Print the first source whole, of the others the lines that cost something; then the sums.

    A column that is empty everywhere is left out.
    """
    columns = [c for c in _columns(profile) if c.title == "calls" or c.cell(profile.total)]
    table = _Table(columns, profile)
    print(table.groups, file=stream)
    for number, source in enumerate(sources):
        costs = profile.lines(source.name)
        if number and not costs:
            continue
        print(f"{table.titles}  {source.name}", file=stream)
        last = 0
        for line in range(1, source.num_lines + 1) if not number else sorted(costs):
            text = source.line(line).expandtabs(4)
            if line == source.num_lines and not text:
                continue
            if line > last + 1:
                print(f"{table.empty}     …", file=stream)
            last = line
            print(f"{table.row(costs.get(line))}{line:>6} {text}".rstrip(), file=stream)
    nowhere = profile.places.get(None)
    if nowhere is not None:
        print(f"{table.row(nowhere)}  outside of the source", file=stream)
    print(f"{table.row(profile.total)}  total", file=stream)
    print(_summary(profile), file=stream)


def _summary(profile: Profile) -> str:
    """How long it took, and how much of that calls had to wait for each other."""
    slowest = profile.slowest
    if slowest is None:
        return "nothing was run"
    path_ns = 0 if slowest.longest is None else slowest.longest.length_ns
    text = f"critical path {_ms(path_ns) or 0} ms of {_ms(slowest.duration_ns) or 0} ms"
    if profile.num_runs > 1:
        text = (
            f"{profile.num_runs} runs in {_ms(profile.wall_ns) or 0} ms; "
            f"the slowest, row {slowest.instance + 1}: {text}"
        )
    if profile.speculated:
        text += (
            f"\narms begun early {profile.speculated}, taken {profile.committed}, "
            f"tokens wasted {profile.total.wasted_tokens}"
        )
    return text


class _Table:
    """Rows of cells, as wide as the widest of each column, the sums included."""

    def __init__(self, columns: Sequence[_Column], profile: Profile) -> None:
        self._columns = columns
        total = profile.total
        self._widths = [max(len(c.title), len(c.cell(total))) for c in columns]
        self.empty = " " * len(self._join([""] * len(columns)))
        self.titles = self._join([c.title for c in columns])
        self.groups, before, end = "", "", -2
        for column, width in zip(columns, self._widths, strict=True):
            end += 2 + width
            if column.group != before:
                begin = end - max(len(column.title), len(column.group) - 2)
                self.groups = self.groups.ljust(begin) + column.group
            before = column.group

    def row(self, cost: Cost | None) -> str:
        """Return the cells of a line."""
        if cost is None:
            return self.empty
        return self._join([column.cell(cost) for column in self._columns])

    def _join(self, cells: Sequence[str]) -> str:
        return "  ".join(cell.rjust(w) for cell, w in zip(cells, self._widths, strict=True))


def _columns(profile: Profile) -> list[_Column]:
    """All columns, in groups."""
    counts: Sequence[tuple[str, str, Callable[[Cost], int]]] = (
        ("", "calls", lambda cost: cost.calls),
        ("", "tools", lambda cost: cost.tool_calls),
        ("tokens", "prompt", lambda cost: cost.stats.prompt_tokens),
        ("tokens", "cached", lambda cost: cost.stats.cached_tokens),
        ("tokens", "prefilled", lambda cost: cost.stats.prefilled_tokens),
        ("tokens", "scored", lambda cost: cost.stats.scored_tokens),
        ("tokens", "decoded", lambda cost: cost.stats.decoded_tokens),
        ("tokens", "forced", lambda cost: cost.stats.forced_tokens),
        ("tokens", "wasted", lambda cost: cost.wasted_tokens),
    )
    phases: tuple[Phase, ...] = ("build", "queue", "prefill", "decode", "tool")
    return [
        *(_Column(group, title, _counted(count)) for group, title, count in counts),
        *(_Column("milliseconds", phase, _timed(phase)) for phase in phases),
        _Column("share of", "path", lambda cost: _percent(profile.share(cost))),
    ]


def _counted(count: Callable[[Cost], int]) -> Callable[[Cost], str]:
    return lambda cost: str(count(cost) or "")


def _timed(phase: Phase) -> Callable[[Cost], str]:
    return lambda cost: _ms(cost.spent_ns[phase])


def _ms(time_ns: int) -> str:
    return f"{time_ns / 1_000_000:.1f}" if time_ns else ""


def _percent(share: float) -> str:
    return f"{share:.0%}" if share else ""
