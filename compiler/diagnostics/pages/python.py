"""Pages of family 09: functions of the Python frontend."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0901": Page(
        """\
Something of the function surely means the same only when Python does it: `try` around a state, a
value that may not be set, a name that only the run knows. The function runs step by step instead,
as Python that appends: results are the same, fewer optimizations apply.""",
        """\
@sglc.function
def act(s):
    try:
        s += "Act: " + sglc.gen("tool")
    except ValueError:
        s += "Nothing to do."
""",
        """\
@sglc.function
def act(s):
    s += "Act: " + sglc.gen("tool")
    if len(s["tool"]) > 5:
        s += " That is long."
""",
    ),
    "SGL0902": Page(
        """\
Of a function that runs step by step, reading in a loop over states what a turn has asked for makes
every turn wait for the one before. Behind the loop all of them are asked for at once.""",
        """\
for essay, child in zip(essays, s.fork(len(essays))):
    child += essay + sglc.gen("score", dtype=int)
    scores.append(int(child["score"]))
""",
        """\
forks = s.fork(len(essays))
for essay, child in zip(essays, forks):
    child += essay + sglc.gen("score", dtype=int)
scores = [int(child["score"]) for child in forks]
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
