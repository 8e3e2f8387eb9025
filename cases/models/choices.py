"""The closed lists that the whole product shares."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """A case's place in the flow."""

    RECEIVED = "received", _("received")
    CLASSIFIED = "classified", _("classified")
    IN_REVIEW = "in_review", _("in review")
    DECIDED = "decided", _("decided")
    CLOSED = "closed", _("closed")
    CANCELLED = "cancelled", _("cancelled")


class Priority(models.IntegerChoices):
    """Lower sorts first."""

    URGENT = 0, _("urgent")
    HIGH = 1, _("high")
    NORMAL = 2, _("normal")
    LOW = 3, _("low")


class Impact(models.TextChoices):
    """Whom an error reaches."""

    CUSTOMER = "customer", _("customer")
    REGULATOR = "regulator", _("regulator")
    MONEY = "money", _("money")
    INTERNAL = "internal", _("internal")


class Reason(models.TextChoices):
    """Why a person is needed."""

    VALIDATION = "validation", _("every output is validated")
    LOW_CONFIDENCE = "low_confidence", _("low confidence")
    OUT_OF_SCOPE = "out_of_scope", _("unlike anything the model knows")
    HIGH_RISK = "high_risk", _("high risk")
    CLASSIFIER_ERROR = "classifier_error", _("the classifier failed")
    SAMPLE = "sample", _("quality sample")
    SECOND_READ = "second_read", _("second read")
    SECOND_APPROVAL = "second_approval", _("second approval")
    REPORTED_ERROR = "reported_error", _("reported as wrong")
    REOPENED = "reopened", _("reopened")
