"""The lists of the review app, and the page of a case, which shows what people decided about it."""

from review.admin import calendars, cases, people, policies, queues, tasks

__all__ = ["calendars", "cases", "people", "policies", "queues", "tasks"]
