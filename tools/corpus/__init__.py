"""The corpus of the embedded model: generators of synthetic text, one noun per file.

Every generator maps a seeded ``random.Random`` to one document, so a seed fixes the corpus.
"""
