"""Pages of family 01: names that do not mean what they should."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0101": Page(
        "The name is neither a parameter, nor bound before this line, nor an item of the file.",
        """\
prompt brief(text: str) -> str:
    "{text}\\nIn short:{summary = gen(line)}"
    return sumary
""",
        """\
prompt brief(text: str) -> str:
    "{text}\\nIn short:{summary = gen(line)}"
    return summary
""",
    ),
    "SGL0102": Page(
        """\
The name is bound on some of the ways that lead here, not on all. A value that is missing would
show up in the middle of a run, after tokens have been paid for.""",
        """\
prompt act(hard: bool) -> str:
    if hard: plan = gen(line)
    return plan
""",
        """\
prompt act(hard: bool) -> str:
    plan = ""
    if hard: plan = gen(line)
    return plan
""",
    ),
    "SGL0103": Page(
        "Two items, parameters or fields of one place have the same name.",
        """\
prompt ask(question: str, question: int):
    "{question}"
""",
        """\
prompt ask(question: str, number: int):
    "{number}. {question}"
""",
    ),
    "SGL0104": Page(
        """\
A value is bound and never read. When it comes from the model, its text may still matter; a name
that starts with an underscore says so.""",
        """\
prompt think(question: str) -> str:
    "{question}\\n{thought = gen(line)}\\nAnswer:{answer = gen(line)}"
    return answer
""",
        """\
prompt think(question: str) -> str:
    "{question}\\n{_thought = gen(line)}\\nAnswer:{answer = gen(line)}"
    return answer
""",
    ),
    "SGL0105": Page(
        "The name hides one from outside: a builtin, an item of the file or an import.",
        """\
prompt ask(str: line):
    "{str}"
""",
        """\
prompt ask(question: line):
    "{question}"
""",
    ),
    "SGL0106": Page(
        "Modules are read in the order of their imports; a circle has no first one.",
        """\
# in a.sgl, while b.sgl has: import a
import b
""",
        """\
# in a.sgl and b.sgl, with what both need moved to shared.sgl
import shared
""",
    ),
    "SGL0107": Page(
        "There is no such module on the import path, or the module has no such name.",
        """\
import std.txt
""",
        """\
import std.text
""",
    ),
    "SGL0108": Page(
        """\
What is bound inside a `fork` exists once per branch, so the bare name is not visible after it.
Index the group for one branch, or take the field of the group for the list of all.""",
        """\
prompt tips() -> str:
    fork i in 1..2 as tip:
        "Tip {i}:{detail = gen(line)}"
    return detail
""",
        """\
prompt tips() -> str:
    fork i in 1..2 as tip:
        "Tip {i}:{detail = gen(line)}"
    return tip[0].detail
""",
    ),
}
