"""Papers that reach the office, to be filed under one tag."""

from __future__ import annotations

from random import Random

from hitl_project.demo import customers
from hitl_project.demo.cases import DemoCase, priority
from hitl_project.demo.grammar import chance, line, lines, texts, with_typos

TAGS = {
    "invoice": 28,
    "delivery-note": 24,
    "contract": 9,
    "product-sheet": 14,
    "meeting-notes": 12,
    "job-application": 7,
    "insurance": 6,
}
DIFFICULTIES = {"easy": 48, "plain": 32, "ambiguous": 17, "out_of_scope": 3}
LINES = {"easy": (5, 0), "plain": (3, 0), "ambiguous": (3, 2), "out_of_scope": (4, 0)}
MISTITLED = {"easy": 0.0, "plain": 0.08, "ambiguous": 0.6, "out_of_scope": 0.3}
SUPPLIERS = [
    "Tarn Pottery",
    "Mosswool Mills",
    "Oakley & Daughters",
    "Ferrum Castings",
    "Lumen Works",
    "Skein & Co",
    "Glasshouse Nine",
]
DEPARTMENTS = ["accounts", "goods-in", "buying", "people", "shop-corvale", "shop-merrow"]


def document(rng: Random) -> DemoCase:
    """One paper; a few fit no tag and some carry lines of another."""
    difficulty = rng.choices(list(DIFFICULTIES), weights=list(DIFFICULTIES.values()))[0]
    tag = "other" if difficulty == "out_of_scope" else rng.choices(list(TAGS), weights=list(TAGS.values()))[0]
    slots = _slots(rng)
    title, body = _paper(tag, difficulty, slots, rng)
    text = with_typos("\n".join(body), rng.choice([0, 0, 0.01, 0.06]), rng)
    return DemoCase(
        case_type="document-tag",
        payload={"title": title, "text": text, "pages": rng.choice([1, 1, 1, 2, 3, 6])},
        true_output={"label": tag},
        requester=rng.choice(DEPARTMENTS),
        priority=priority(rng) if tag == "insurance" else "low" if chance(0.7, rng) else "normal",
        difficulty=difficulty,
        context=[{"title": "Scanner", "text": f"Tray {rng.randrange(1, 5)}, batch {slots['number']}"}],
    )


def _paper(tag: str, difficulty: str, slots: dict[str, str], rng: Random) -> tuple[str, list[str]]:
    """Title and lines; what most of the lines belong to is the tag, the title may mislead."""
    papers = texts("documents")
    own, foreign = LINES[difficulty]
    other = rng.choice([each for each in TAGS if each != tag])
    body = lines(papers[tag]["body"], own, slots, rng) + lines(papers[other]["body"], foreign, slots, rng)
    rng.shuffle(body)
    titled = other if chance(MISTITLED[difficulty], rng) else tag
    return line(papers[titled]["title"], slots, rng), body


def _slots(rng: Random) -> dict[str, str]:
    common = texts("common")
    slots = customers.slots(customers.pick(rng), rng)
    names = [f"{rng.choice(common['first_names'])} {rng.choice(common['last_names'])}" for _ in range(2)]
    return {
        **slots,
        "number": f"{rng.choice(['A', 'LN', '26-', 'R'])}{rng.randrange(1000, 99999)}",
        "supplier": rng.choice(SUPPLIERS),
        "count": str(rng.randrange(2, 48)),
        "name": names[0],
        "name2": names[1],
    }
