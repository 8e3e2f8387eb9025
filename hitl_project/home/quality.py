"""Who reads quality: what the latest readings found, what came back from downstream, and how far the log is sealed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from cases.access import can, visible
from cases.concealment import concealed_ids
from cases.models import AuditSeal
from feedback.models import OutcomeReport, Sample

MOST_LISTED = 3
MOST_LOOKED_AT = 200


def blocks(user: User) -> dict[str, Any]:
    if not can(user, "review.work_quality_queues"):
        return {}
    return {"quality": {"wrong": wrong_samples(user), "reports": wrong_reports(user), "seal": last_seal(user)}}


def wrong_samples(user: User) -> list[Sample]:
    """The newest samples in which the machine was wrong, without cases that are to be read blind again."""
    rows = visible(user, Sample.objects.all(), "feedback.view_sample").select_related("case__case_type", "read_by")
    return _wrong(rows.order_by("-read_at"), user)


def wrong_reports(user: User) -> list[OutcomeReport]:
    """The newest reports from downstream that a decision was wrong."""
    rows = visible(user, OutcomeReport.objects.all(), "feedback.view_outcomereport").select_related("case__case_type")
    return _wrong(rows.order_by("-id"), user)


def last_seal(user: User) -> AuditSeal | None:
    return visible(user, AuditSeal.objects.all(), "cases.view_auditseal").defer("leaves").order_by("-id").first()


def _wrong(rows: QuerySet[Any], user: User) -> list[Any]:
    """Among the newest few: an error that is older is no news, and looking for it would have no end."""
    lean = rows.defer("case__payload", "case__context", "case__metadata")[:MOST_LOOKED_AT]
    wrong = [row for row in lean if not row.correct][: 2 * MOST_LISTED]
    hidden = concealed_ids(user, [row.case_id for row in wrong])
    return [row for row in wrong if row.case_id not in hidden][:MOST_LISTED]
