"""A tiny encyclopedia, so that the examples run without a network."""

from __future__ import annotations

ARTICLES = {
    "Lima": "Lima is the capital and largest city of Peru. It lies on the Pacific coast.",
    "Peru": "Peru is a country in South America. Its capital is Lima.",
    "Kenya": "Kenya is a country in East Africa. Its capital is Nairobi.",
    "Don Quixote": "Don Quixote is a novel by Miguel de Cervantes, published in 1605 and 1615.",
    "Spider": "Spiders are arthropods with eight legs.",
}


def search(query: str) -> str:
    """Return the article whose title fits ``query`` best.

    Raises:
        LookupError: no title shares a word with the query.
    """
    words = set(query.lower().split())
    found = max(ARTICLES, key=lambda title: len(words & set(title.lower().split())))
    if not words & set(found.lower().split()):
        raise LookupError(f"nothing about {query!r}")
    return ARTICLES[found]
