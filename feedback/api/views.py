"""Outcome reports over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.api.answers import account
from cases.api.serializers import moment
from feedback.api.serializers import Outcome
from feedback.outcomes import report_outcome
from review.api.task_views import ORIGIN, body_of


class ReportOutcome(APIView):
    """A decision turned out right or wrong; a wrong one reopens the case."""

    @extend_schema(request=Outcome)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "feedback.add_outcomereport")
        report, created = report_outcome(pk, by=user, origin=ORIGIN, **body_of(request, Outcome))
        body = {
            "id": report.pk,
            "case": report.case_id,
            "decision": report.decision_id,
            "correct": report.correct,
            "output": report.output,
            "source": report.source,
            "note": report.note,
            "reported_at": moment(report.reported_at),
        }
        return Response(body, status=201 if created else 200)
