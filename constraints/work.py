"""How much the making of an automaton may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_STATES: Final = 100_000
WORK_PER_STATE: Final = 40  # a unit is about a microsecond


class AutomatonTooLarge(ValueError):
    """An automaton needs more states, or more work, than allowed."""

    def __init__(self, max_states: int) -> None:
        super().__init__(
            f"the automaton needs more than {max_states} states, or the work of as many: bound the "
            "text (`max=`), lower the counts of repetitions, or use ASCII classes such as "
            "[a-z0-9_] for \\w"
        )
        self.max_states = max_states


@dataclass(slots=True, unsafe_hash=True)
class Work:
    """What may still be done, shared by all that is built on the way to one automaton.

    So neither a wide construction of few states nor many of them after each other take longer
    than a large automaton does. Equal if the same was allowed: caches ask by it.
    """

    max_states: int = MAX_STATES
    left: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.left = self.max_states * WORK_PER_STATE

    def spend(self, amount: int) -> None:
        """Count ``amount`` microseconds of work.

        Raises:
            AutomatonTooLarge: that is too much.
        """
        self.left -= amount
        if self.left < 0:
            raise AutomatonTooLarge(self.max_states)

    def check_states(self, count: int) -> None:
        """Let there be ``count`` states, the dead one aside.

        Raises:
            AutomatonTooLarge: those are too many.
        """
        if count > self.max_states:
            raise AutomatonTooLarge(self.max_states)
