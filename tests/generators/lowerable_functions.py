"""Random prompt functions in Python: for the frontend, which must give what plain Python gives.

``programs()`` draws the text of a module with ``main(s, text, number, words, log)`` and
``helper(s, text)``. What is read is set before on every way, and every loop ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from generators import lowerable_names
from hypothesis import strategies as st

HEAD = (
    lowerable_names.HEAD
    + """
import functools
import sglc
from sglc import gen, select

SUFFIX = " end"
COUNT = 0


def shout(text):
    return text.upper() + "!"


@sglc.function
def helper(s, text, mark="?"):
    s += text + mark + gen("helped", max_tokens=2)
    if len(text) % 2:
        return s["helped"] + mark
    s += " even"
    return len(text)


@sglc.function
def main(s, text, number, words, log):
    global COUNT
    s += "go"
"""
)


@dataclass
class Block:
    """Lines of a block; ``named`` are the variables that ``s`` surely has there."""

    draw: st.DrawFn
    depth: int = 1
    lines: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    in_loop: bool = False
    written_out: bool = False
    state: str = "s"
    may_return: bool = True
    names: list[int] = field(default_factory=lambda: [0])

    def add(self, line: str, depth: int = 0) -> None:
        self.lines.append("    " * (self.depth + depth) + line)

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def fresh(self, stem: str) -> str:
        self.names[0] += 1
        return f"{stem}{self.names[0]}"

    def inner(self, **changes: Any) -> Block:
        block = Block(
            self.draw, self.depth + 1, self.lines, list(self.named), self.in_loop,
            self.written_out, self.state, self.may_return, self.names,
        )  # fmt: skip
        for name, value in changes.items():
            setattr(block, name, value)
        return block

    # ---- expressions

    def text(self) -> str:
        options = ["'é'", "a", "text", "a.strip()", "str(n)", "f'{a}-{n:>3}|'", "a + SUFFIX"]
        options += ["shout(a).lower()[:4].replace('x', 'y') if False else a", "f'{text!r:.4}'"]
        options += ["'%s/%d' % (a, n)", "''.join(sorted(a))", "f'{a}{text}'", "a * 2", "a[1:]"]
        options += ["''.join(w[:1] for w in words) + ''", "str(len(words))"]
        options += lowerable_names.TEXTS
        if self.named:
            name = self.draw(st.sampled_from(self.named))
            options += [f"{self.state}['{name}']", f"f'<{{{self.state}[\"{name}\"]}}>'"] * 3
        return self.draw(st.sampled_from(options))

    def condition(self) -> str:
        options = ["n % 2", "a == 'start'", "not a", "len(a) > 3 and n", "words", "n in (1, 2)"]
        options += lowerable_names.CONDITIONS
        if self.named:
            read = f"{self.state}['{self.draw(st.sampled_from(self.named))}']"
            options += [
                f"{read} == 'yes'", f"{read} in ('yes', 'no')", f"len({read}) % 2",
                f"not {read} and n", f"{read} != a", f"(k := len({read})) > 1",
            ]  # fmt: skip
        return self.draw(st.sampled_from(options))

    # ---- statements

    def statements(self, most: int = 4) -> None:
        for _ in range(self.draw(st.integers(1, most))):
            simple = self.depth >= 4 or len(self.lines) > 60
            self.draw(st.sampled_from(_SIMPLE if simple else _SIMPLE + _NESTED))(self)

    def say(self) -> None:
        sides = [self.text() for _ in range(self.draw(st.integers(1, 3)))]
        self.add(f"{self.state} += {' + '.join(sides)}")

    def ask(self) -> None:
        name = self.pick("x", "y", "z")
        option = self.pick(
            "", ", temperature=0", ", stop='e'", ", regex='[ab]{1,2}'", ", min_tokens=2"
        )
        lead = f"{self.text()} + " if self.draw(st.booleans()) else ""
        self.add(f"{self.state} += {lead}gen('{name}', max_tokens=3{option})")
        self.set(name)

    def choose(self) -> None:
        name = self.pick("x", "c")
        self.add(f"{self.state} += select('{name}', choices=['yes', 'no', 'a b'])")
        self.set(name)

    def set(self, name: str) -> None:
        if name not in self.named:
            self.named.append(name)

    def host(self) -> None:
        line = self.pick(
            "n += 1",
            "a = a[::-1]",
            "a = shout(a)[:6]",
            "log.append((n, a))",
            "n = len(words) + n",
            "a = ''.join(c for c in a if c != 's')",
            "n, m = n + 1, n",
            "a = f'{a}{n}'[:9]",
            "log += [i * n for i in range(2)]",
            "words = [*words, 'w']",
            "assert n >= 0, n",
            "log.append(functools.reduce(lambda p, q: p + q, words, ''))",
            "first, *rest = [*words, a]; log.append(rest)",
            "log.append({w: len(w) for w in words})",
            "log.append(max(words, key=len, default=a))",
            "import math; log.append(math.floor(2.5))",
            "b = c = a + 'b'; log.append((b, c))",
            "log.append(0 < n <= 3 < 5)",
            "log.append([*map(str, words)])",
            "log.append(a if n else words)",
            "d = {**dict(n=n), 'a': a}; log.append(d)",
            "n //= 1; n = n or 1",
            "log.append(sum(i * j for i in range(2) for j in range(i + 1) if j))",
            "log.append(1 / (n - n or 1))",
            "print(a, end='', file=None) if n < 0 else log.append(~n)",
            "log.append(f'{n!r:>4}{a:^8}')",
            "words = words[:2] + [a[:1]]",
            "del words[2:]",
            "(lambda *p, **k: log.append((p, k)))(a, n=n)",
            "log.append({1, 2} & {n}); x1 = [[]] * 2; x1[0].append(n); log.append(x1)",
        )
        self.add(line)

    def keep(self) -> None:
        if not self.named:
            return self.host()
        name = self.draw(st.sampled_from(self.named))
        self.add(f"a = {self.state}['{name}']")
        if self.draw(st.booleans()):
            self.add(f"log.append({self.state}['{name}'].upper())")
        return None

    def guarded(self) -> None:
        self.add("try:")
        self.add(self.pick("n = int(a)", "log.append(words[n])", "a = {'start': 'x'}[a]"), 1)
        self.add("except (ValueError, LookupError) as error:")
        self.add(self.pick("log.append(type(error).__name__)", "n = 1", "a = 'oops'"), 1)

    def inner_function(self) -> None:
        name = self.fresh("f")
        self.add(f"def {name}(x, *more, **options):")
        self.add("yield x", 1)
        self.add("yield from more", 1)
        self.add(f"log.append(list({name}(1, 2, key=3)))")

    def odd(self) -> None:
        name = self.fresh("o")
        kind = self.draw(st.integers(0, 5))
        if kind == 0:
            self.add(f"class {name.upper()}(dict):")
            self.add("size = 3", 1)
            self.add("def twice(self):", 1)
            self.add("return [self, self.size]", 2)
            self.add(f"log.append({name.upper()}(k=n).twice())")
        elif kind == 1:
            self.add("@functools.lru_cache(maxsize=None)")
            self.add(f"def {name}(x):")
            self.add(f"return x if x < 2 else {name}(x - 1) + {name}(x - 2)", 1)
            self.add(f"log.append({name}(5))")
        elif kind == 2:
            self.add(f"def {name}():")
            self.add("count = 0", 1)
            self.add("def step():", 1)
            self.add("nonlocal count", 2)
            self.add("count += 1", 2)
            self.add("return count", 2)
            self.add("return [step(), step()]", 1)
            self.add(f"log.append({name}())")
        elif kind == 3:
            self.add("for i in range(3):")
            self.add("if i == n: continue", 1)
            self.add("while True:", 1)
            self.add("i += 1", 2)
            self.add("if i > 2: break", 2)
            self.add("else:")
            self.add("log.append(i)", 1)
        elif kind == 4:
            self.add("try:")
            self.add("log.append(1 // n if n < 9 else None)", 1)
            self.add("except ZeroDivisionError:")
            self.add("log.append('zero')", 1)
            self.add("else:")
            self.add("a = a + '.'", 1)
            self.add("finally:")
            self.add("n = n + 1", 1)
        else:
            self.add("COUNT = COUNT + 1")
            self.add("log.append(COUNT)")

    def early(self) -> None:
        if not self.may_return or self.state != "s":
            return self.host()
        self.add(f"if {self.condition()}:")
        self.add(f"return {self.pick('a', 'n', 'None', '(a, n)')}", 1)
        if self.draw(st.booleans()):
            self.add("else:")
            body = self.inner()
            body.statements(2)
            self.named = body.named
        return None

    def leave(self) -> None:
        if not self.in_loop or self.written_out:
            return self.say()
        self.add(f"if {self.condition()}:")
        self.add(self.pick("break", "continue"), 1)
        return None

    def branch(self) -> None:
        self.add(f"if {self.condition()}:")
        then = self.inner()
        then.statements(3)
        if self.draw(st.booleans()):
            self.add("else:")
            other = self.inner()
            other.statements(3)
            self.named += [n for n in then.named if n in other.named and n not in self.named]

    def match(self) -> None:
        if not self.named:
            return self.branch()
        self.add(f"match {self.state}['{self.draw(st.sampled_from(self.named))}']:")
        for case in ("'yes'", "'no' | 'a b'", "_"):
            self.add(f"case {case}:", 1)
            self.inner(depth=self.depth + 2).statements(2)
        return None

    def match_anything(self) -> None:
        subject = "n"
        if self.named:
            subject = f"({self.state}['{self.draw(st.sampled_from(self.named))}'], n)"
        self.add(f"match {subject}:")
        cases = [
            "0 | 1",
            "(str(b), 1) if b",
            "(b, int(n))",
            "[_, *rest]",
            "int() as b",
            "{'k': v}",
            "str()",
        ]
        for case in self.draw(
            st.lists(st.sampled_from(cases), min_size=1, max_size=3, unique=True)
        ):
            self.add(f"case {case}:", 1)
            body = self.inner(depth=self.depth + 2)
            if "b" in case.replace("s(b", ""):
                body.add("log.append(b)")
            body.statements(2)

    def counted_while(self) -> None:
        name = self.fresh("k")
        self.add(f"{name} = 0")
        self.add(f"while ({name} := {name} + 1) < 3:")
        body = self.inner(in_loop=True, written_out=False)
        body.statements(2)
        self.add(f"log.append({name})")

    def else_of_loop(self) -> None:
        name = self.fresh("j")
        self.add(f"for {name} in range({self.pick('0', '1', '2')}):")
        body = self.inner(in_loop=False, written_out=True, may_return=False)
        body.statements(2)
        self.add("else:")
        self.inner().statements(2)

    def count(self) -> None:
        name = self.fresh("i")
        turns = self.pick("range(2)", "range(n % 3)", "range(1, 3)", "(7, 8)", "['u', 'v']")
        self.add(f"for {name} in {turns}:")
        body = self.inner(in_loop=True, written_out=False, may_return=self.may_return)
        body.add(f"s += f'{{{name}}}'" if self.state == "s" else f"log.append({name})")
        body.statements(3)

    def each(self) -> None:
        name = self.fresh("w")
        self.add(f"for {name}, {name}v in enumerate(words[:2]):")
        body = self.inner(in_loop=True, written_out=False)
        body.add(f"a = f'{{{name}}}{{{name}v}}'")
        body.statements(3)

    def repeat(self) -> None:
        name = self.fresh("t")
        self.add(f"{name} = 0")
        self.add(f"while {name} < {self.pick('2', 'n % 3', 'len(words)')}:")
        body = self.inner(in_loop=True, written_out=False)
        body.add(f"{name} += 1")
        body.statements(3)

    def fork(self) -> None:
        group, child = self.fresh("g"), self.fresh("c")
        self.add(f"{group} = {self.state}.fork({self.pick('1', '2', '3')})")
        self.add(f"for {child}n, {child} in enumerate({group}):")
        body = self.inner(state=child, in_loop=False, written_out=True, may_return=False)
        body.add(f"{child} += f'{{{child}n}}' + gen('forked', max_tokens=2)")
        body.set("forked")
        body.statements(2)
        end = self.pick(
            "",
            "log.append([c['forked'] for c in {g}])",
            "{g}.join()",
            "{g}[0] += gen('forked', max_tokens=1)",
            "{g} += ' all' + gen('forked', max_tokens=1)",
            "{g}.join('concate_and_append')",
        )
        if end:
            self.add(end.format(g=group))

    def message(self) -> None:
        if self.state != "s" or self.depth > 1:
            return self.say()
        self.add(f"with s.{self.pick('user', 'assistant', 'system')}():")
        body = self.inner(may_return=False)
        body.add("s += 'in a role'")
        body.ask()
        self.named = body.named
        return None

    def scope(self) -> None:
        name = self.pick("x", "scoped")
        self.add(f"with {self.state}.var_scope('{name}'):")
        body = self.inner(may_return=False, in_loop=False)
        body.statements(2)
        self.named += [n for n in body.named if n not in self.named]
        self.set(name)

    def copy(self) -> None:
        child = self.fresh("d")
        self.add(f"with {self.state}.copy() as {child}:")
        body = self.inner(state=child, may_return=False, in_loop=False)
        body.add(f"{child} += gen('aside', max_tokens=2)")
        body.statements(2)

    def call(self) -> None:
        if self.state != "s":
            return self.say()
        self.add(f"r = helper(s, {self.text()}{self.pick('', ', mark=a')})")
        self.add("log.append(r)")
        self.set("helped")
        return None

    def once(self) -> None:
        self.add(f"{self.state} += {self.text()} if {self.condition()} else {self.text()}")


Step = Callable[[Block], None]
_SIMPLE: list[Step] = [
    Block.say, Block.say, Block.ask, Block.ask, Block.choose, Block.host, Block.host, Block.keep,
    Block.guarded, Block.inner_function, Block.early, Block.leave, Block.once, Block.odd,
    *lowerable_names.SIMPLE,
]  # fmt: skip
_NESTED: list[Step] = [
    Block.branch, Block.branch, Block.match, Block.count, Block.each, Block.repeat, Block.fork,
    Block.message, Block.scope, Block.copy, Block.call, Block.match_anything,
    Block.counted_while, Block.else_of_loop, *lowerable_names.NESTED,
]  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draw the text of a module."""
    block = Block(draw)
    block.add(block.pick("COUNT = 0; a, n = 'start', number", "a = 'start'; n = 2"))
    block.statements(6)
    block.add(f"return {draw(st.sampled_from(['a', 'n', 'log', 's.text()', 'None']))}")
    return HEAD + "\n".join(block.lines) + "\n"
