"""Pages of family 04: values of the wrong kind."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0401": Page(
        "A value of one type stands where another is needed. Nothing is converted silently.",
        """\
prompt grade(essay: str) -> int:
    "{essay}\\nScore: {score = gen(line)}"
    return score
""",
        """\
prompt grade(essay: str) -> int:
    "{essay}\\nScore: {score = gen(int(1..10))}"
    return score
""",
    ),
    "SGL0402": Page(
        "A call misses an argument, has one too many, or names one that does not exist.",
        """\
prompt ask(question: str):
    question

prompt main():
    include ask(qestion="Why?")
""",
        """\
prompt ask(question: str):
    question

prompt main():
    include ask(question="Why?")
""",
    ),
    "SGL0403": Page(
        "The record, group or result has no field of this name.",
        """\
type Card = {name: str, age: int}

prompt show(card: Card):
    "{card.nam}"
""",
        """\
type Card = {name: str, age: int}

prompt show(card: Card):
    "{card.name}"
""",
    ),
    "SGL0404": Page(
        """\
`gen(T)` holds the model to the texts of `T`. Images, groups and branches are not written as text,
so they cannot be generated.""",
        """\
prompt draw() -> image:
    return gen(image)
""",
        """\
prompt describe(photo: image) -> str:
    user: photo
    assistant: text = gen(line)
    return text
""",
    ),
    "SGL0405": Page(
        "The two sides have no value in common, so the test always fails.",
        """\
prompt act():
    "I need a {tool = select("calculator", "search engine")}."
    if tool == "calculater": "The expression is{expression = gen(line)}"
""",
        """\
prompt act():
    "I need a {tool = select("calculator", "search engine")}."
    if tool == "calculator": "The expression is{expression = gen(line)}"
""",
    ),
    "SGL0406": Page(
        "Options of `gen` are checked by name: a misspelled one is never ignored.",
        """\
prompt ask(question: str):
    "{question}{answer = gen(max_token=64)}"
""",
        """\
prompt ask(question: str):
    "{question}{answer = gen(max_tokens=64)}"
""",
    ),
    "SGL0407": Page(
        "A value of type `T?` may be none, and is used as if it could not.",
        """\
prompt greet(title: str?):
    "Dear " + title
""",
        """\
prompt greet(title: str?):
    if title != none: "Dear " + title
""",
    ),
    "SGL0408": Page(
        "A test gives a made-up answer for a name that the prompt never captures.",
        """\
prompt ask(question: str):
    "{question}{answer = gen(line)}"

test "asks":
    r = run ask("Why?") using mock(anwser="Because.")
""",
        """\
prompt ask(question: str):
    "{question}{answer = gen(line)}"

test "asks":
    r = run ask("Why?") using mock(answer="Because.")
""",
    ),
    "SGL0409": Page(
        "The rows of a batch have to give exactly what the prompt takes.",
        """\
prompt ask(question: str):
    question

batch ask from [{qestion: "Why?"}]
""",
        """\
prompt ask(question: str):
    question

batch ask from [{question: "Why?"}]
""",
    ),
}
