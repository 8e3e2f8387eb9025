"""Short letters of three kinds, enough of them to learn from."""

from __future__ import annotations

import random

SUBJECTS = {
    "refund": ["give me my money back", "please refund order {n}", "I want a refund for the broken lamp {n}"],
    "delivery": ["where is parcel {n}", "the courier has not delivered order {n}", "delivery of my parcel is late"],
    "password": ["I cannot log in, reset my password", "password {n} is not accepted", "locked out of my account"],
}


def examples(per_label: int = 30, *, subjects: dict[str, list[str]] = SUBJECTS) -> tuple[list[str], list[str]]:
    polite = ["", "Hello, ", "Dear team, ", "Hi there! "]
    rows = [
        (polite[n % 4] + sentences[n % len(sentences)].format(n=100 + n), label)
        for label, sentences in subjects.items()
        for n in range(per_label)
    ]
    random.Random(5).shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]
