"""Labels for many rows, of which one is bad: python examples/python/batch_labels.py"""

from collections import Counter

import sglc

REVIEWS = [
    "I love this phone!",
    "The food was terrible.",
    "",  # a row that raises holds up no other
    "It is a great movie.",
    "The hotel was dirty.",
]


@sglc.function
def label(s, review):
    if not review:
        raise ValueError("the review is empty")
    s += sglc.user(f"Classify the sentiment as positive, negative or neutral: {review}")
    s += sglc.assistant(sglc.select("label", ["Positive.", "Negative.", "Neutral."]))


with sglc.Engine() as engine:
    rows = [{"review": review} for review in REVIEWS]
    states = label.run_batch(rows, backend=engine, progress_bar=True)

counts = Counter()
for review, state in zip(REVIEWS, states, strict=True):
    error = state.error()
    if error is None:
        counts[state["label"]] += 1
    print(f"{review or '-':24} {state['label'] if error is None else error}")
print(dict(counts))
