"""Who decides, why, by when, and what."""

from review.models.calendar import Calendar
from review.models.decision import Approval, Decision, DecisionBatch
from review.models.person import Profile, SavedFilter, Skill
from review.models.policy import Policy, RoutingRule
from review.models.queue import Queue
from review.models.talk import Draft, Note, Notice, Presence, Skip
from review.models.task import ReviewTask

__all__ = [
    "Approval",
    "Calendar",
    "Decision",
    "DecisionBatch",
    "Draft",
    "Note",
    "Notice",
    "Policy",
    "Presence",
    "Profile",
    "Queue",
    "ReviewTask",
    "RoutingRule",
    "SavedFilter",
    "Skill",
    "Skip",
]
