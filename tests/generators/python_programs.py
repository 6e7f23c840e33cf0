"""Random prompt programs in Python, as source text; they always end.

``programs()`` draws a function ``program(s, x, n, words)``. What it returns holds whatever it has
read on its way, so that a value that differs anywhere is seen. ``plain_programs()`` are such as are
mostly graphs: every name is there when it is read, and no helper sees the state.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

import sglc
from sglc.program.functions import Function

ARGUMENTS: dict[str, Any] = {"x": "abc", "n": 3, "words": ["one", "tw", "é"]}
_NAMES = ("a", "b", "c")
_HEAD = """\
def read(s, name):
    return s[name] if name in s else "?"

{decorator}
def ask(s, name, size=2):
    s += "ask:" + sglc.gen(name, max_tokens=size)
    return s[name]

class Stop(Exception):
    pass

"""
_HELPER, _PROGRAM = "# a function like any other", "@sglc.function"
_TEXTS = (
    '"text"',
    'f"{n}:{x!r}"',
    "x",
    "x[::-1] + words[-1]",
    '" ".join(words)',
    'f"{len(words):03d}|{n / 3:.2f}|{[n, None]}"',
    'f"{{{x}}}" * 2',
    '"é✓" + str(n % 2 == 1)',
    '""',
)
_OPTIONS = (
    "max_tokens=2",
    "max_tokens=n",
    "max_tokens=4, stop=x[0]",
    'max_tokens=3, stop=["e", " "], ignore_eos=True',
    "max_tokens=3, temperature=0",
    "max_tokens=3, temperature=n / 2, top_k=9",
    'regex="[ab]{" + str(n) + "}c?"',
    "regex=r'\\d\\d|x', max_tokens=5",
)
_CHOICES = ("words", "words[:2]", 'sorted({x, "no", "yes"})', '[x + "1", x + "2"]')
_NUMBERS = ("n", "len(words)", "len(x) - 1", "2")


class _Writer:
    """Draws the lines of one function."""

    def __init__(
        self, draw: Callable[[st.SearchStrategy[Any]], Any], *, is_plain: bool = False
    ) -> None:
        self.draw = draw
        self.is_plain = is_plain
        self.lines: list[str] = []
        self.numbers = itertools.count()

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def put(self, level: int, line: str) -> None:
        self.lines.append("    " * level + line)

    def fresh(self, kind: str) -> str:
        return f"{kind}{next(self.numbers)}"

    def read(self, state: str, name: str) -> str:
        return f'{state}["{name}"]' if self.is_plain else f'read({state}, "{name}")'

    def text(self, state: str) -> str:
        name = self.pick(*_NAMES)
        read = self.read(state, name)
        shown = f"f'<{{{read}}}>'"
        texts = [text for text in _TEXTS if not (self.is_plain and "words)" in text)]
        return str(self.pick(*texts, read, shown, f"{read}.upper()"))

    def call(self, state: str) -> str:
        name = self.pick("None", *(repr(name) for name in _NAMES))
        if self.pick(True, False, False):
            return f"sglc.select({name}, {self.pick(*_CHOICES)})"
        return f"sglc.gen({name}, {self.options()})"

    def options(self) -> str:
        """Options of a call; those of a graph know no ``ignore_eos``."""
        return str(self.pick(*[o for o in _OPTIONS if not (self.is_plain and "ignore" in o)]))

    def summed(self, state: str) -> str:
        parts = [self.text(state), self.call(state), self.text(state)]
        return " + ".join(parts[: self.pick(1, 2, 3)])

    def condition(self, state: str) -> str:
        name = self.pick(*_NAMES)
        read = self.read(state, name)
        forms = [f"len({read}) % 2", f'{read} > "m"', f"n > 2 or not {read}", f"{read} == x"]
        if not self.is_plain:
            forms += [f'"{name}" in {state} and {state}["{name}"]', f'"e" in {state}.text()']
        return str(self.pick(*forms))

    def block(self, level: int, state: str, depth: int, *, inside: str = "") -> None:
        """Some statements on a state. ``inside``: what can be left, ``loop`` or ``role``."""
        kinds = ["append"] * 4
        if depth:
            kinds += ["if", "for", "while", "fork", "copy", "scope", "ask"]
        if not self.is_plain:
            kinds += ["set", "note", "try", "define"] if depth else ["set", "note"]
        if "role" not in inside:
            kinds += ["message", "role"] if depth else ["message"]
        if "loop" in inside:
            kinds += ["leave"]
        for _ in range(self.pick(1, 2, 3)):
            getattr(self, f"do_{self.pick(*kinds)}")(level, state, depth - 1, inside)

    def do_append(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f"{state} += {self.summed(state)}")

    def do_note(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f"notes.append({self.text(state)})")

    def do_set(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f'{state}.set_var("{self.pick(*_NAMES)}", {self.text(state)})')

    def do_ask(self, level: int, state: str, depth: int, inside: str) -> None:
        name = self.pick(*_NAMES)
        call = f'ask({state}, "{name}", {self.pick(*_NUMBERS)})'
        self.put(level, call if self.is_plain else f"notes.append({call})")

    def do_message(self, level: int, state: str, depth: int, inside: str) -> None:
        role, content = self.pick("system", "user", "assistant"), self.summed(state)
        form = self.pick(
            "{s} += sglc.{r}({c})", "{s}.{r}({c})", "{s} += sglc.{r}_begin() + {c} + sglc.{r}_end()"
        )
        self.put(level, form.format(s=state, r=role, c=f"({content})"))

    def do_role(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f"with {state}.{self.pick('system', 'user', 'assistant')}():")
        self.block(level + 1, state, depth, inside="role")

    def do_leave(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f"if {self.condition(state)}:")
        self.put(level + 1, self.pick("break", "continue"))

    def do_if(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, f"if {self.condition(state)}:")
        self.block(level + 1, state, depth, inside=inside)
        for word in self.draw(st.lists(st.just("elif"), max_size=1)):
            self.put(level, f"{word} {self.condition(state)}:")
            self.block(level + 1, state, depth, inside=inside)
        if self.pick(True, False):
            self.put(level, "else:")
            self.block(level + 1, state, depth, inside=inside)

    def do_for(self, level: int, state: str, depth: int, inside: str) -> None:
        i = self.fresh("i")
        over = self.pick("range(2)", "words[:2]", 'enumerate("xy")', 'zip(words, "zw")', "range(0)")
        self.put(level, f"for {i} in {over}:")
        self.put(level + 1, f'{state} += f"{{{i}}};"')
        self.block(level + 1, state, depth, inside="loop " + inside)
        if self.pick(True, False) and not self.is_plain:
            self.put(level, "else:")
            self.block(level + 1, state, 0, inside=inside)

    def do_while(self, level: int, state: str, depth: int, inside: str) -> None:
        k = self.fresh("k")
        self.put(level, f"{k} = 0")
        self.put(level, f"while {k} < 2 and not ({self.condition(state)} and {k}):")
        self.put(level + 1, f"{k} += 1")
        self.block(level + 1, state, depth, inside="loop " + inside)

    def do_fork(self, level: int, state: str, depth: int, inside: str) -> None:
        group, i, child = self.fresh("group"), self.fresh("i"), self.fresh("f")
        role = "role" if "role" in inside else ""
        self.put(level, f"{group} = {state}.fork({self.pick('2', '1', 'len(words)')})")
        match self.pick("enumerate", "group", "index", "nothing"):
            case "enumerate":
                self.put(level, f"for {i}, {child} in enumerate({group}):")
                self.put(level + 1, f'{child} += f"({{{i}}})"')
                self.block(level + 1, child, depth, inside=role)
            case "group":
                self.put(level, f"{group} += {self.call(state)}")
            case "index":
                if self.is_plain:
                    self.put(level, f"{child} = {group}[0]")
                    self.put(level, f"{child} += {self.summed(state)}")
                else:
                    self.put(level, f"{group}[0] += {self.summed(state)}")
        if self.pick(True, False):
            mode = self.pick("", '"gather_variable"', '"concate_and_append"')
            self.put(level, f"{group}.join({mode})")
        if self.pick(True, False) and not self.is_plain:
            self.put(level, f"notes.append([f.text() for f in {group}])")
        if self.pick(True, False):
            name = self.pick(*_NAMES)
            self.put(level, f'{state} += "".join(str({self.read("f", name)}) for f in {group})')

    def do_copy(self, level: int, state: str, depth: int, inside: str) -> None:
        other = self.fresh("s")
        self.put(level, f"with {state}.copy() as {other}:")
        self.block(level + 1, other, depth, inside="role" if "role" in inside else "")

    def do_scope(self, level: int, state: str, depth: int, inside: str) -> None:
        name = self.pick(*_NAMES)
        self.put(level, f'with {state}.var_scope("{name}"):')
        self.block(level + 1, state, depth, inside="role" if "role" in inside else "")

    def do_try(self, level: int, state: str, depth: int, inside: str) -> None:
        self.put(level, "try:")
        self.block(level + 1, state, depth, inside=inside)
        if self.pick(True, False):
            self.put(level + 1, f"raise Stop({self.text(state)})")
        self.put(level, "except Stop as stop:")
        self.put(level + 1, f"{state} += str(stop)")
        if self.pick(True, False):
            self.put(level, "finally:")
            self.put(level + 1, 'notes.append("finally")')

    def do_define(self, level: int, state: str, depth: int, inside: str) -> None:
        name = self.fresh("part")
        self.put(level, f"def {name}(t, k=n):")
        self.block(level + 1, "t", 0, inside="role")
        self.put(level + 1, "return k")
        self.put(level, f"notes.append({name}({state}))")
        self.put(level, f"{name}({state}, k=1)")


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """Draw a program."""
    writer = _Writer(draw)
    writer.put(0, "@sglc.function")
    writer.put(0, "def program(s, x, n, words):")
    writer.put(1, "notes = []")
    writer.put(1, 's += "begin"')
    writer.block(1, "s", 3)
    writer.block(1, "s", 2)
    writer.put(1, "return notes")
    return _HEAD.replace("{decorator}", _HELPER) + "\n".join(writer.lines) + "\n"


@st.composite
def plain_programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """Draw a program that is mostly a graph."""
    writer = _Writer(draw, is_plain=True)
    writer.put(0, "@sglc.function")
    writer.put(0, "def program(s, x, n, words):")
    writer.put(1, 's += "begin"')
    for name in _NAMES:
        writer.put(1, f's += sglc.gen("{name}", {writer.options()})')
    writer.block(1, "s", 3)
    writer.block(1, "s", 2)
    writer.put(1, "return " + ", ".join(f's["{name}"]' for name in _NAMES))
    return _HEAD.replace("{decorator}", _PROGRAM) + "\n".join(writer.lines) + "\n"


_files = itertools.count()


def any_programs() -> st.SearchStrategy[str]:
    """Draw a program of either kind."""
    return st.one_of(programs(), plain_programs())


def made(source: str) -> Function:
    """Return the function of a program. Its source can be asked for, as that of any other."""
    name = f"<program {next(_files)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    space: dict[str, Any] = {"sglc": sglc, "__name__": "program"}
    exec(compile(source, name, "exec"), space)
    program: Function = space["program"]
    return program
