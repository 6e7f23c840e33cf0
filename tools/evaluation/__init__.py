"""How the embedded model is measured: a batched greedy decoder, scored suites, example prompts."""
