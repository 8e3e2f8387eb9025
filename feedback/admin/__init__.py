"""The back office's pages of what was wrong and what is learnt from it."""

from feedback.admin import corrections, datasets, flags, gold, learning, models, prompts, rounds, runs, second_reads

__all__ = [
    "corrections",
    "datasets",
    "flags",
    "gold",
    "learning",
    "models",
    "prompts",
    "rounds",
    "runs",
    "second_reads",
]
