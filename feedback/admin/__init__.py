"""The back office's pages of what was wrong and what is learnt from it."""

from feedback.admin import datasets, learning, second_reads

__all__ = ["datasets", "learning", "second_reads"]
