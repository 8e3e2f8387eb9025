"""The local model on real texts: how right, how honest, how fast and how large.

    python -m benchmarks.local_model [--data FOLDER] [--seed N] [--only NAME ...]

The folder holds ``banking77_dev.csv`` and ``clinc150_dev.csv`` (columns text and label; clinc150 also split and oos).
Each measure runs in a process of its own, so that its peak of memory is its own. Prints a table; ends with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from cases.classifiers.calibration import BINS, expected_calibration_error
from cases.classifiers.text_model import Guess, TextModel

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TRAINED_ON = 4_000


class Example(NamedTuple):
    """One labelled text; ``split`` and ``strange`` only where the data have them."""

    text: str
    label: str
    split: str = ""
    strange: bool = False


class Figure(NamedTuple):
    """One line of the table. ``good`` is None where there is no target."""

    name: str
    value: float
    target: str = ""
    good: bool | None = None


def read(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Example(row["text"], row["label"], row.get("split", ""), row.get("oos") == "1")
            for row in csv.DictReader(file)
        ]


def at_least(name: str, value: float, target: float) -> Figure:
    return Figure(name, value, f"≥ {target:,}", value >= target)


def at_most(name: str, value: float, target: float) -> Figure:
    return Figure(name, value, f"≤ {target:,}", value <= target)


def fitted(examples: Sequence[Example], *, seed: int) -> tuple[TextModel, float]:
    """The model and the seconds it took."""
    started = time.monotonic()
    model = TextModel.fit([example.text for example in examples], [example.label for example in examples], seed=seed)
    return model, time.monotonic() - started


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def right(guesses: Sequence[Guess], examples: Sequence[Example]) -> list[bool]:
    return [guess.label == example.label for guess, example in zip(guesses, examples, strict=True)]


def quality(data: Path, seed: int) -> list[Figure]:
    """banking77: learn from 4,000, ask for the rest."""
    examples = shuffled(read(data / "banking77_dev.csv"), seed)
    model, seconds = fitted(examples[:TRAINED_ON], seed=seed)
    rest = examples[TRAINED_ON:]
    guesses = model.predict([example.text for example in rest])
    correct = right(guesses, rest)
    raw = expected_calibration_error([guess.raw for guess in guesses], correct)
    honest = expected_calibration_error([guess.confidence for guess in guesses], correct)
    return [
        at_least("accuracy on the rest", float(np.mean(correct)), 0.87),
        at_most(f"calibration error, {BINS} equal-mass bins", honest, 0.03),
        at_least("… smaller than uncalibrated, times", raw / honest, 3),
        Figure("uncalibrated", raw),
        *sure_ones(guesses, correct, 0.8),
        Figure("taken for out of scope", float(np.mean([guess.out_of_scope for guess in guesses]))),
        Figure("training 4,000 texts, s", seconds),
        Figure("model file, MB", len(model.dumps()) / 1e6),
    ]


def sure_ones(guesses: Sequence[Guess], correct: Sequence[bool], threshold: float) -> list[Figure]:
    """The cases that a threshold would let pass: right at least as often as the confidence says?"""
    sure = [at for at, guess in enumerate(guesses) if guess.confidence >= threshold and not guess.out_of_scope]
    said = float(np.mean([guesses[at].confidence for at in sure]))
    hits = sum(correct[at] for at in sure)
    highest = float(binomtest(hits, len(sure)).proportion_ci(0.95, method="exact").high)
    return [
        Figure(f"share of cases at {threshold} and above", len(sure) / len(guesses)),
        Figure("… mean confidence", said),
        Figure("… right", hits / len(sure)),
        Figure("… right, upper end of its 95 % interval", highest, f"≥ {said:.4f}", highest >= said),
    ]


def speed(data: Path, seed: int) -> list[Figure]:
    """banking77: how many texts a second, from a fresh copy of the model each time."""
    examples = shuffled(read(data / "banking77_dev.csv"), seed)
    model, _seconds = fitted(examples[:TRAINED_ON], seed=seed)
    texts = [example.text for example in examples[TRAINED_ON:]]
    batches = [texts[start : start + 1_000] for start in range(0, len(texts), 1_000)]
    return [
        at_least("texts/s in batches of 1,000", rate(model, batches, evidence=False), 8_000),
        at_least("… with evidence", rate(model, batches, evidence=True), 1_500),
        at_least("texts/s one by one", rate(model, [[text] for text in texts[:2_000]], evidence=False), 1_000),
        at_least("… with evidence", rate(model, [[text] for text in texts[:2_000]], evidence=True), 1_000),
    ]


def rate(model: TextModel, batches: Sequence[Sequence[str]], *, evidence: bool) -> float:
    fresh = TextModel.loads(model.dumps())
    started = time.monotonic()
    for batch in batches:
        fresh.predict(batch, evidence=evidence)
    return sum(map(len, batches)) / (time.monotonic() - started)


def size(data: Path, seed: int) -> list[Figure]:
    """banking77: all 7,004 texts."""
    examples = shuffled(read(data / "banking77_dev.csv"), seed)
    _model, seconds = fitted(examples, seed=seed)
    return [
        at_most(f"training {len(examples):,} texts, s", seconds, 60),
        at_most("peak memory, MB", peak_megabytes(), 600),
    ]


def ten_thousand(data: Path, seed: int) -> list[Figure]:
    """clinc150: 10,000 texts of 150 labels."""
    examples = [example for example in read(data / "clinc150_dev.csv") if not example.strange]
    _model, seconds = fitted(shuffled(examples, seed)[:10_000], seed=seed)
    return [at_most("training 10,000 texts, s", seconds, 30), at_most("peak memory, MB", peak_megabytes(), 600)]


def scope(data: Path, seed: int) -> list[Figure]:
    """clinc150: learn the 150 labels from the training split; tell them, and texts that have none, apart in the rest."""
    examples = read(data / "clinc150_dev.csv")
    model, seconds = fitted(
        [example for example in examples if example.split == "train" and not example.strange], seed=seed
    )
    known = [example for example in examples if example.split != "train" and not example.strange]
    strange = [example for example in examples if example.strange]
    inside = model.predict([example.text for example in known])
    outside = model.predict([example.text for example in strange])
    correct = right(inside, known)
    sides = [1] * len(inside) + [0] * len(outside)
    return [
        at_least("accuracy within scope", float(np.mean(correct)), 0.91),
        Figure("calibration error", expected_calibration_error([guess.confidence for guess in inside], correct)),
        at_least("AUROC by the raw maximum", roc_auc_score(sides, [guess.raw for guess in inside + outside]), 0.93),
        Figure("AUROC by the calibrated one", roc_auc_score(sides, [guess.confidence for guess in inside + outside])),
        Figure("out of scope, and told so", float(np.mean([guess.out_of_scope for guess in outside]))),
        Figure("within scope, taken for out", float(np.mean([guess.out_of_scope for guess in inside]))),
        Figure("training 15,000 texts, s", seconds),
        Figure("peak memory, MB", peak_megabytes()),
    ]


def shuffled(examples: Sequence[Example], seed: int) -> list[Example]:
    mixed = list(examples)
    random.Random(seed).shuffle(mixed)
    return mixed


MEASURES: dict[str, Callable[[Path, int], list[Figure]]] = {
    "quality": quality,
    "speed": speed,
    "size": size,
    "ten_thousand": ten_thousand,
    "scope": scope,
}


def apart(name: str, data: Path, seed: int) -> list[Figure]:
    """Run one measure in a fresh process."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.local_model",
        "--inside",
        name,
        "--data",
        str(data),
        "--seed",
        str(seed),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [Figure(*figure) for figure in json.loads(said)]


def shown(figure: Figure) -> str:
    value = f"{figure.value:,.4f}" if abs(figure.value) < 10 else f"{figure.value:,.0f}"
    mark = "" if figure.good is None else "ok" if figure.good else "MISSED"
    return f"  {figure.name:<46} {value:>10}  {figure.target:<10} {mark}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--inside", choices=MEASURES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not (asked.data / "banking77_dev.csv").exists():
        parser.error(f"there is no banking77_dev.csv in {asked.data}; name the folder that has it with --data")
    if asked.inside:
        figures = MEASURES[asked.inside](asked.data, asked.seed)
        print(
            json.dumps([[f.name, float(f.value), f.target, None if f.good is None else bool(f.good)] for f in figures])
        )
        return 0
    missed = 0
    for name in asked.only:
        figures = apart(name, asked.data, asked.seed)
        print(f"{name}: {MEASURES[name].__doc__}", *map(shown, figures), sep="\n", flush=True)
        missed += sum(figure.good is False for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
