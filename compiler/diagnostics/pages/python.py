"""Pages of family 09: functions of the Python frontend."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0901": Page(
        """\
The function decides with ordinary Python on a value that the model has yet to write, so it cannot
become one graph. It runs in stages instead, each a graph of its own: results are the same, fewer
optimizations apply.""",
        """\
@sglc.function
def act(s):
    s += sglc.gen("tool")
    if len(s["tool"]) > 5:
        s += "That is long."
""",
        """\
@sglc.function
def act(s):
    s += sglc.select("tool", choices=["search", "stop"])
    if s["tool"] == "search":
        s += "Searching."
""",
    ),
    "SGL0902": Page(
        "Reading a value inside the loop makes every turn wait for the one before.",
        """\
for essay in essays:
    scores.append(int(judge(essay)["score"]))
""",
        """\
states = [judge(essay) for essay in essays]
scores = [int(state["score"]) for state in states]
""",
    ),
    "SGL0903": Page(
        """\
The state is stored or passed where the compiler cannot follow it. It works, and what happens to it
there is not optimized.""",
        """\
@sglc.function
def ask(s, question):
    registry.append(s)
    s += question
""",
        """\
@sglc.function
def ask(s, question):
    s += question
""",
    ),
}
