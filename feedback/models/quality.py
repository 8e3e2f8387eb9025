from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from review.models import Decision, Policy, ReviewTask


class Round(models.Model):
    """A round of samples: automated cases of a period drawn to be read blind afterwards, with a size and a due date."""

    class Kind(models.TextChoices):
        DAILY = "daily", _("daily")
        WEEKLY = "weekly", _("weekly")
        ONCE = "once", _("once")

    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="rounds", verbose_name=_("case type")
    )
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))
    size = models.PositiveIntegerField(_("size"))
    per_label = models.PositiveIntegerField(
        _("at least of each label"), default=0, help_text=_("Topped up by extra draws, which are not uniform.")
    )
    due_at = models.DateTimeField(_("due"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("round of samples")
        verbose_name_plural = _("rounds of samples")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["case_type", "number"], name="round_number_once")]

    def __str__(self) -> str:
        return f"{self.case_type} {self.number}"


class Draw(models.Model):
    """One case of a round, with the probability with which it was drawn."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="draws", verbose_name=_("round"))
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="draws", verbose_name=_("case"))
    task = models.OneToOneField(
        ReviewTask, on_delete=models.SET_NULL, null=True, blank=True, related_name="draw", verbose_name=_("task")
    )
    probability = models.FloatField(_("probability"))
    uniform = models.BooleanField(_("uniform"), default=True)
    dropped = models.CharField(_("left out because"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        constraints = [models.UniqueConstraint(fields=["round", "case"], name="draw_once_per_round")]

    def __str__(self) -> str:
        return f"{self.round_id}/{self.case_id}"


class SecondRead(models.Model):
    """A person's decision read again by somebody else, blind to the first answer; a disagreement is settled once."""

    class Verdict(models.TextChoices):
        FIRST = "first", _("the first answer")
        SECOND = "second", _("the second answer")
        NEITHER = "neither", _("neither")

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, related_name="second_read", verbose_name=_("decision")
    )
    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="+", verbose_name=_("case type"))
    probability = models.FloatField(_("probability"))
    task = models.OneToOneField(
        ReviewTask, on_delete=models.SET_NULL, null=True, related_name="second_read", verbose_name=_("task")
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("read by")
    )
    output = models.JSONField(_("second answer"), null=True)
    label = models.CharField(_("second label"), max_length=200, blank=True, default="")
    agrees = models.BooleanField(_("agrees"), null=True)
    active_seconds = models.FloatField(_("active seconds"), null=True)
    read_at = models.DateTimeField(_("read"), null=True)
    adjudication = models.OneToOneField(
        ReviewTask, on_delete=models.SET_NULL, null=True, related_name="adjudicates", verbose_name=_("adjudication")
    )
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("adjudicator")
    )
    verdict = models.CharField(_("verdict"), max_length=7, choices=Verdict.choices, blank=True, default="")
    settled = models.JSONField(_("settled answer"), null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("second read")
        verbose_name_plural = _("second reads")
        ordering = ["-id"]
        indexes = [models.Index(fields=["case_type", "read_at"], name="second_read_by_time")]

    def __str__(self) -> str:
        return f"#{self.decision_id}"


class SecondReadCursor(models.Model):
    """How far the decisions have been looked at by the coin of second reads: one row."""

    decision_id = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.decision_id)


class GoldCase(models.Model):
    """A closed case whose right answer is known. Planted unmarked, it shows whether a reader catches an error.

    A drill shows a deliberately wrong, believable output in place of what the machine said.
    """

    class Kind(models.TextChoices):
        GOLD = "gold", _("gold")
        DRILL = "drill", _("drill")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="gold", verbose_name=_("case"))
    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="gold", verbose_name=_("case type"))
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    output = models.JSONField(_("right output"))
    shown = models.JSONField(_("output that is shown"))
    confidence = models.FloatField(_("confidence that is shown"))
    why = models.TextField(_("why, told afterwards"), blank=True, default="")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    retired_because = models.CharField(_("retired because"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("known case")
        verbose_name_plural = _("known cases")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=models.Q(retired_at__isnull=True), name="gold_once_while_active"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.get_kind_display()}"


class Planting(models.Model):
    """A gold case put before a reader among the others, and what they made of it."""

    gold = models.ForeignKey(GoldCase, on_delete=models.CASCADE, related_name="plantings", verbose_name=_("known case"))
    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="+", verbose_name=_("case type"))
    task = models.OneToOneField(
        ReviewTask, on_delete=models.SET_NULL, null=True, related_name="planting", verbose_name=_("task")
    )
    copy = models.OneToOneField(Case, on_delete=models.CASCADE, null=True, related_name="planting", editable=False)
    prediction_number = models.BigIntegerField(null=True, editable=False, help_text=_("What its answer goes by."))
    refresher = models.ForeignKey(
        "Refresher",
        on_delete=models.SET_NULL,
        null=True,
        related_name="plantings",
        verbose_name=_("refresher round"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("reader")
    )
    output = models.JSONField(_("answer"), null=True)
    wrong = models.BooleanField(_("a wrong output was shown"), default=True)
    caught = models.BooleanField(_("answered rightly"), null=True)
    active_seconds = models.FloatField(_("active seconds"), null=True)
    planted_at = models.DateTimeField(_("planted"), db_default=Now())
    answered_at = models.DateTimeField(_("answered"), null=True)
    told_at = models.DateTimeField(_("told"), null=True)

    class Meta:
        verbose_name = _("planting")
        verbose_name_plural = _("plantings")
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "case_type", "answered_at"], name="planting_by_reader")]

    def __str__(self) -> str:
        return f"{self.gold_id}/{self.pk}"


class Flag(models.Model):
    """A reader of whom the sequential test says that they let errors pass. For the supervisor and the reader alone."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="flags", verbose_name=_("reader")
    )
    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="+", verbose_name=_("case type"))
    step = models.CharField(_("what follows"), max_length=9, choices=Policy.OnFlag.choices)
    evidence = models.JSONField(_("evidence"), default=dict)
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    note = models.TextField(_("note"), blank=True, default="")

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "case_type"], condition=models.Q(closed_at__isnull=True), name="flag_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.case_type}"


class Refresher(models.Model):
    """A round of known cases for one reader, after a flag: one after the other, until so many are answered."""

    class Ending(models.TextChoices):
        DONE = "done", _("all answered")
        NO_MORE = "no_more", _("no known case was left")
        CLOSED = "closed", _("the flag was closed")

    flag = models.OneToOneField(Flag, on_delete=models.CASCADE, related_name="refresher", verbose_name=_("flag"))
    size = models.PositiveSmallIntegerField(_("size"))
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ending = models.CharField(_("ended as"), max_length=7, choices=Ending.choices, blank=True, default="")

    class Meta:
        verbose_name = _("refresher round")
        verbose_name_plural = _("refresher rounds")
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.flag)
