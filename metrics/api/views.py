from __future__ import annotations

from datetime import UTC, datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.access import demand
from metrics import periods
from metrics import report as reports
from metrics.api import serializers
from metrics.loading import MEASURES

PARAMETERS = [
    OpenApiParameter(
        "from", OpenApiTypes.STR, description="Date, or date-time with offset. Default: 30 days before `to`."
    ),
    OpenApiParameter("to", OpenApiTypes.STR, description="Date (included), or date-time with offset. Default: now."),
    OpenApiParameter("case_type", OpenApiTypes.STR, description="Key of one case type. Default: all."),
    OpenApiParameter(
        "interval", OpenApiTypes.STR, enum=["hour", "day"], description="Step of the series. Default: day."
    ),
]


class MetricsView(APIView):
    """Every measure of a time, with its 95 % interval, and step by step."""

    @extend_schema(operation_id="metrics", parameters=PARAMETERS, responses=serializers.ReportSerializer)
    def get(self, request: Request) -> Response:
        demand(request.user, "metrics.view_report")
        now = datetime.now(UTC)
        period = periods.read(request.query_params, now=now)
        return Response(serializers.report(reports.build(period, now=now, needs=MEASURES)))
