"""A small document index: documents that share the most words with a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

_FILE = Path(__file__).parent / "documents.jsonl"


class Document(TypedDict):
    """What ``retrieve`` finds."""

    title: str
    body: str


def retrieve(question: str, k: int = 4) -> list[Document]:
    """Return the ``k`` documents nearest to ``question``, best first."""
    words = _words(question)
    with _FILE.open(encoding="utf-8") as file:
        documents: list[Document] = [json.loads(line) for line in file]
    documents.sort(key=lambda d: -len(words & _words(d["title"] + " " + d["body"])))
    return documents[:k]


def _words(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split()}
