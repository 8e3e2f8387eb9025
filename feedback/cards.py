"""A version's card: how right it is, how honest, at which cost in escalation, on which labels, and whether old errors come back.

Everything is computed once, when the version is trained, and kept in its ``metrics`` as plain JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from cases.classifiers.text_model import TextModel
from cases.classifiers.texts import text_of
from cases.models import CaseType
from feedback.evaluation import Score
from feedback.examples import Example
from feedback.models import Correction

BINS = 10
COVERAGES = tuple(share / 10 for share in range(1, 11))
MOST_CORRECTIONS = 2_000


def card(score: Score, truth: Sequence[str]) -> dict[str, Any]:
    """The parts that a score alone tells."""
    return {
        "reliability": reliability(score),
        "risk_coverage": risk_coverage(score),
        "labels": per_label(truth, score.said),
    }


def reliability(score: Score) -> list[dict[str, float]]:
    """Runs of equally many answers, least sure first: how sure they were, and which share of them was right."""
    order = np.argsort(score.confidence, kind="stable")
    sure, right = np.asarray(score.confidence, dtype=np.float64), np.asarray(score.right, dtype=np.float64)
    runs = [run for run in np.array_split(order, min(BINS, len(order) or 1)) if len(run)]
    return [
        {"n": len(run), "said": round(float(sure[run].mean()), 4), "right": round(float(right[run].mean()), 4)}
        for run in runs
    ]


def risk_coverage(score: Score) -> list[dict[str, float]]:
    """If only the surest share of the answers were let pass: from which confidence on, and how many of them would be wrong."""
    order = np.argsort(-np.asarray(score.confidence, dtype=np.float64), kind="stable")
    wrong = 1 - np.asarray(score.right, dtype=np.float64)
    points = []
    for share in COVERAGES:
        passed = order[: round(share * len(order))]
        if len(passed):
            least = float(score.confidence[passed[-1]])
            error = float(wrong[passed].mean())
            points.append({"coverage": share, "threshold": round(least, 4), "error": round(error, 4)})
    return points


def per_label(truth: Sequence[str], said: Sequence[str]) -> list[dict[str, Any]]:
    """For each label: how often it was right to say it (precision), and how often it was said where it was right (recall)."""
    there, told = Counter(truth), Counter(said)
    hits = Counter(label for label, answer in zip(truth, said, strict=True) if label == answer)
    return [
        {
            "label": label,
            "n": there[label],
            "precision": round(hits[label] / told[label], 4) if told[label] else None,
            "recall": round(hits[label] / there[label], 4) if there[label] else None,
        }
        for label in sorted(there | told)
    ]


def corrected(case_type: CaseType) -> list[Example]:
    """The newest corrections of the label as examples: what was answered wrongly, with the right answer."""
    rows = Correction.objects.filter(case_type=case_type, after__isnull=False).exclude(label_after="")
    newest = rows.select_related("case").order_by("-pk")[:MOST_CORRECTIONS]
    found = [_example(row) for row in newest if row.label_after != row.label_before]
    return [example for example in found if example.text.strip()]


def _example(row: Correction) -> Example:
    text = text_of(row.case.payload)[0]
    return Example(
        text=text,
        output=row.after or {},
        label=row.label_after,
        group=row.case.requester or text,
        origin="correction",
        case_id=row.case_id,
    )


def recurrence(corrections: Sequence[Example], after: TextModel, before: TextModel | None) -> dict[str, Any]:
    """Whether the errors come back: of the texts once answered wrongly, how many are wrong again, before and after.

    Both models are judged twins; ``unseen`` holds the corrections that neither of them was trained on. Without a model
    before, all of them count as wrong before, which is what they were.
    """
    sides = {"learnt": [], "unseen": []}  # type: dict[str, list[Example]]
    for example in corrections:
        sides["unseen" if example.held_out else "learnt"].append(example)
    return {
        side: {
            "n": len(rows),
            "wrong_before": _wrong(before, rows) if before else len(rows),
            "wrong_after": _wrong(after, rows),
        }
        for side, rows in sides.items()
    }


def _wrong(model: TextModel, examples: Sequence[Example]) -> int:
    if not examples:
        return 0
    guesses = model.predict([example.text for example in examples], evidence=False)
    return sum(guess.label != example.label for guess, example in zip(guesses, examples, strict=True))
