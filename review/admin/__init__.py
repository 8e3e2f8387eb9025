"""The lists of the review app, and the page of a case, which shows what people decided about it."""

from review.admin import cases, people, policies, queues, tasks

__all__ = ["cases", "people", "policies", "queues", "tasks"]
