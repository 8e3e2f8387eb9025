"""The back office's pages of what was wrong and what is learnt from it."""

from feedback.admin import datasets, learning, models, rounds, second_reads

__all__ = ["datasets", "learning", "models", "rounds", "second_reads"]
