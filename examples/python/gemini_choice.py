"""A choice by a model of Gemini: GEMINI_API_KEY=… python examples/python/gemini_choice.py

With a project at Vertex AI: sglc.VertexAI("gemini-2.5-flash", project="…") in its place.
"""

import sglc


@sglc.function
def sentiment(s, review):
    s += sglc.user(f"Is this review positive or negative?\n\n{review}")
    s += sglc.assistant(sglc.select("verdict", ["positive", "negative"]))


with sglc.Gemini("gemini-2.5-flash") as backend:
    rows = [{"review": "I loved it."}, {"review": "Never again."}]
    for state in sentiment.run_batch(rows, backend=backend):
        print(state["verdict"])
