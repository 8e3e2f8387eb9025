"""Who decides, why, by when, and what."""

from review.models.decision import Approval, Decision
from review.models.policy import Policy, RoutingRule
from review.models.queue import Queue
from review.models.task import ReviewTask

__all__ = ["Approval", "Decision", "Policy", "Queue", "ReviewTask", "RoutingRule"]
