"""Pages of family 05: what the model is allowed to write."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0501": Page(
        "No text satisfies the constraint, so decoding could never end.",
        """\
prompt pick() -> int:
    return gen(int(10..1))
""",
        """\
prompt pick() -> int:
    return gen(int(1..10))
""",
    ),
    "SGL0502": Page(
        """\
Constraints are enforced by a finite automaton. A backreference to a group that may have matched
different texts is beyond it, and atomic groups depend on how an engine searches; an approximation
would let through what the pattern forbids.""",
        r"""
prompt twice():
    "{word = gen(/(a|b)\1/)}"
""",
        r"""
prompt twice():
    "{word = gen(/aa|bb/)}"
""",
    ),
    "SGL0503": Page(
        "Even the shortest allowed text needs more tokens than the gen may write.",
        """\
prompt code():
    "{number = gen(/[0-9]{40}/, max_tokens=4)}"
""",
        """\
prompt code():
    "{number = gen(/[0-9]{40}/)}"
""",
    ),
    "SGL0504": Page(
        """\
Choices are compared by the probability of their tokens. Where one is the beginning of another, the
longer one is scored on tokens that the shorter one never has to account for, and the comparison
leans to one side.""",
        """\
prompt pick():
    "I prefer {drink = select("tea", "tea with milk")}."
""",
        """\
prompt pick():
    "I prefer {drink = select("tea without milk", "tea with milk")}."
""",
    ),
    "SGL0505": Page(
        "The same choice is listed twice.",
        """\
prompt pick():
    "{answer = select("yes", "no", "yes")}"
""",
        """\
prompt pick():
    "{answer = select("yes", "no", "maybe")}"
""",
    ),
    "SGL0506": Page(
        "An unescaped `.` in a pattern of literal text matches any character, not just a dot.",
        r"""
prompt version():
    "{number = gen(/\d+.\d+/)}"
""",
        r"""
prompt version():
    "{number = gen(/\d+\.\d+/)}"
""",
    ),
    "SGL0507": Page(
        "The stop text cannot occur in what the gen may write, or occurs in all of it.",
        """\
prompt count():
    "{number = gen(int(1..10), stop="\\n")}"
""",
        """\
prompt count():
    "{number = gen(int(1..10))}"
""",
    ),
    "SGL0508": Page(
        "The model may satisfy the constraint by writing nothing, and often will.",
        """\
prompt name():
    "Name: {name = gen(/[a-z]*/)}"
""",
        """\
prompt name():
    "Name: {name = gen(/[a-z]+/)}"
""",
    ),
    "SGL0509": Page(
        "Counted repetitions multiply the states of the automaton; this one is too large.",
        """\
prompt many():
    "{rows = gen(/(([a-z]{1,99} ){1,99}\\n){1,99}/)}"
""",
        """\
prompt many():
    for n in 1..9:
        "{row = gen(/([a-z]{1,20} )+/)}\\n"
""",
    ),
    "SGL0510": Page(
        """\
The chosen backend has no way to hold the model to this type. Running it without the constraint
would silently change what the program means.""",
        """\
# with a remote backend that only knows free text
prompt pick():
    "{score = gen(int(1..10))}"
""",
        """\
# with the built-in engine, or with a choice that the backend can score
prompt pick():
    "{score = select("1", "2", "3")}"
""",
    ),
    "SGL0511": Page(
        """\
A JSON Schema or a grammar is enforced keyword by keyword and rule by rule. What no machine can hold
the model to (a reference to another document, a terminal with a backreference) is refused here
instead of being dropped in silence.""",
        """\
prompt sum(question: str):
    "{question}\\n{answer = gen(grammar("start: /([0-9])\\\\1 apples/"))}"
""",
        """\
prompt sum(question: str):
    "{question}\\n{answer = gen(grammar("start: /[0-9]+ apples/"))}"
""",
    ),
}
