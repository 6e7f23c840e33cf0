"""Answers from documents that are looked up; the index is a count of common words."""

import sglang as sgl

DOCUMENTS = [
    "Paul Graham wrote short stories and programs before college. He was nine when he began.",
    "The capital of Peru is Lima, which lies at the coast of the Pacific Ocean.",
    "A radix tree keeps strings by their common prefixes.",
]


def retrieve(question):
    words = set(question.lower().strip("?").split())
    return max(DOCUMENTS, key=lambda text: len(words & set(text.lower().split())))


@sgl.function
def rag_pipeline(s, question):
    # Rewrite the question, then look up and answer
    s += "Here is a question: " + question + "\n"
    with s.copy() as rewriting:
        rewriting += "In other words: " + sgl.gen("query", max_tokens=24, stop="\n")
        query = rewriting["query"]

    context = retrieve(question + " " + query)
    s += "Context information is below.\n---------------------\n"
    s += context
    s += "\n---------------------\nAnswer: "
    s += sgl.gen("answer", max_tokens=32, stop="\n")
    with s.var_scope("verdict"):
        s += "\nIs the answer in the context? " + sgl.gen("found", choices=["yes", "no"])


sgl.set_default_backend(sgl.RuntimeEndpoint("http://localhost:30000"))
state = rag_pipeline.run("What is the capital of Peru?", temperature=0)
print(state["answer"])
print(state["verdict"])
