"""Two turns, printed while they are written: python examples/python/streaming_chat.py"""

import sglc


@sglc.function
def chat(s, questions):
    for i, question in enumerate(questions):
        s += sglc.user(question)
        s += sglc.assistant(sglc.gen(f"answer_{i}", max_tokens=96))


QUESTIONS = ["What is the capital of Japan?", "Write a short story about a brave mouse."]

with sglc.Engine() as engine:
    state = chat.run(questions=QUESTIONS, backend=engine, temperature=0, stream=True)
    for i, question in enumerate(QUESTIONS):
        print(f"user: {question}\nassistant: ", end="")
        for piece in state.text_iter(f"answer_{i}"):
            print(piece, end="", flush=True)
        print()
