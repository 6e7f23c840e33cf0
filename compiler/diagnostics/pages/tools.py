"""Pages of family 07: calls into the host."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0701": Page(
        "The program calls a tool, and neither the file nor the host says what runs it.",
        """\
tool wiki(query: str) -> str

prompt ask(question: str):
    wiki(question)
""",
        """\
tool wiki(query: str) -> str from "tools.wiki:search"

prompt ask(question: str):
    wiki(question)
""",
    ),
    "SGL0702": Page(
        "A tool that changes something would run once per branch, in no fixed order.",
        """\
tool send(text: str) -> str

prompt notify():
    fork i in 1..3 as copy:
        _ = send("hello")
""",
        """\
tool send(text: str) -> str

prompt notify():
    _ = send("hello")
""",
    ),
    "SGL0703": Page(
        """\
Programs from strangers run without host code: only tools that the host itself registers are
available to them.""",
        """\
tool run(command: str) -> str from "os:system"
""",
        """\
tool run(command: str) -> str
""",
    ),
    "SGL0704": Page(
        "The function that a tool names takes other parameters or returns another type.",
        """\
# def search(query: str, limit: int) -> str
tool wiki(query: str) -> str from "tools.wiki:search"
""",
        """\
# def search(query: str, limit: int) -> str
tool wiki(query: str, limit: int) -> str from "tools.wiki:search"
""",
    ),
}
