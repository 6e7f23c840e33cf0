"""Statements for random functions whose names, loops and values are of an odd kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from generators.lowerable_functions import Block

HEAD: Final = """\
import dataclasses
import itertools

TOTAL = 0
TITLE = "t"
NUMBERS = itertools.count()
CHOICES = ["yes", "no"]


def bump(by=1):
    global TOTAL, TITLE
    TOTAL += by
    TITLE = f"t{TOTAL}"
    return TOTAL


def pieces(text):
    yield from text[:2]


@dataclasses.dataclass
class Pair:
    left: object
    right: object = "r"

    def __iadd__(self, other):
        return Pair(self.right, other)

    def __bool__(self):
        return bool(self.left)
"""

TEXTS: Final = (
    "str(TITLE)",
    "str(TOTAL)",
    "str(bump())",
    "str(next(NUMBERS))",
    "f'{TITLE}{TOTAL:>2}'",
    "str(Pair(a, n))",
    "'/'.join(str(s) for s in words)",
    "str(sorted(words, key=lambda s: s[::-1]))",
    "str([*pieces(a), n])",
    "('{}' * 2).format(*words[:1], n)",
    "str(n and a or words)",
    "str(1 < n <= 3 != len(a))",
    "(a or 'none')",
    "str({k: v for k, v in enumerate(a)})",
)
CONDITIONS: Final = (
    "TOTAL % 2",
    "TITLE == 't'",
    "bump() > 2",
    "Pair(n)",
    "any(s == a for s in words)",
    "n in range(2) or a is None",
    "[] or {} or words[5:]",
)


def rename(block: Block) -> None:
    """The state gets another name."""
    name = block.fresh("t")
    block.add(f"{name} = {block.state}")
    block.add(f"{name} += {block.text()}")


def declare(block: Block) -> None:
    """A module-level name is changed here, or in code that is called."""
    block.add(block.pick("bump(n)", "bump()", "log.append((TOTAL, TITLE))", "COUNT += n"))
    block.add(f"{block.state} += {block.pick('str(TITLE)', 'str(TOTAL)', 'str(COUNT)')}")


def choose_of_names(block: Block) -> None:
    """Choices stand in a module-level name."""
    block.add(block.pick("log.append(len(CHOICES))", "log.extend(CHOICES)", "bump(0)"))
    block.add(f"{block.state} += select('c', choices=CHOICES)")
    block.set("c")


def pair(block: Block) -> None:
    """Objects with operators of their own."""
    name = block.fresh("p")
    block.add(f"{name} = Pair(a, n)")
    block.add(f"{name} += {block.text()}")
    block.add(f"log.append(({name}, bool({name}), {name} == Pair(n, a)))")
    if block.named:
        read = f"{block.state}['{block.pick(*block.named)}']"
        block.add(f"{name}.left = {read}; log.append({name}.left[:1] + {read}[1:])")


def alike(block: Block) -> None:
    """Values that are equal, and not the same."""
    name = block.fresh("v")
    block.add(f"{name} = {block.pick('1', 'True', '1.0', '0', '0.0')}")
    block.add(f"if {block.condition()}:")
    block.add(f"{name} = {block.pick('1', 'True', '1.0', 'False', '-0.0')}", 1)
    block.add(f"{block.state} += str({name})")


def unset(block: Block) -> None:
    """Names that are not set, or no more."""
    name = block.fresh("u")
    block.add(f"{name} = [a, n]")
    block.add(block.pick(f"del {name}[0]", f"{name}[0:1] = words", f"*{name}, _ = {name}"))
    block.add(f"log.append({name})")
    if block.pick("yes", "no") == "yes":
        block.add(f"del {name}")


def closure(block: Block) -> None:
    """An inner function that keeps names."""
    name = block.fresh("q")
    block.add(f"def {name}(x, y=n):")
    block.add("z = [x, y]", 1)
    block.add("return lambda *s: [*z, *s]", 1)
    block.add(f"log.append({name}(a)(n, {name}.__name__, {name}.__qualname__))")


def each_of_a_read(block: Block) -> None:
    """A loop over what the model has written."""
    if not block.named:
        return declare(block)
    name, read = block.fresh("e"), f"{block.state}['{block.pick(*block.named)}']"
    over = block.pick("{r}", "enumerate({r})", "zip({r}, words)", "range(len({r}))", "pieces({r})")
    block.add(f"for {name} in {over.format(r=read)}:")
    body = block.inner(in_loop=True, written_out=False)
    body.add(f"{block.state} += f'{{{name}}}'")
    body.statements(2)
    return None


def each_of_pairs(block: Block) -> None:
    """A loop over a list of tuples, which may be left."""
    name = block.fresh("h")
    over = block.pick("[(1, 'x'), (2, 'y')]", "zip(words, 'xyz')", "(('k', n), ('l', a))")
    block.add(f"for {name}, {name}v in {over}:")
    body = block.inner(in_loop=True, written_out=False)
    body.add(f"{block.state} += f'{{{name}}}{{{name}v}}'")
    body.statements(2)
    body.leave()


def joined(block: Block) -> None:
    """Forks, what all of them are told, and what they bring back."""
    group, name = block.fresh("g"), block.fresh("j")
    block.add(f"{group} = {block.state}.fork({block.pick('1', '2', '3')})")
    block.add(f"{group} += {block.text()} + gen('{name}', max_tokens=2)")
    block.add(f"{group}.join()")
    block.add(f"for {name}v in {block.state}['{name}']:")
    body = block.inner(in_loop=True, written_out=False)
    body.add(f"{block.state} += {name}v + '.'")
    body.statements(1)
    block.add(f"log.append({block.state}['{name}'][0] + str(len({block.state}['{name}'])))")


SIMPLE: Final[list[Callable[[Block], None]]] = [
    rename, declare, choose_of_names, pair, alike, unset, closure,
]  # fmt: skip
NESTED: Final[list[Callable[[Block], None]]] = [each_of_a_read, each_of_pairs, joined]
