"""Cases in, and what became of them. The thin layer over `cases.ingest` and its neighbours."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import arrivals, ingest
from cases.access import visible
from cases.api import shapes
from cases.api.answers import account, base_of, json_answer
from cases.api.bodies import raw_json
from cases.api.filters import PAGING, CaseFilters
from cases.api.problems import problem
from cases.api.serializers import case_body
from cases.concealment import concealed_ids, listed
from cases.envelope import CaseIn, read_case, read_cases
from cases.models import Case, CaseType
from cases.models.choices import Priority

STATUS = {arrivals.CREATED: 201, arrivals.EXISTING: 200, arrivals.CONFLICT: 409, arrivals.INVALID: 422}
TITLES = {409: "Conflict", 413: "TooLarge", 422: "Invalid"}
DETAILS = {
    409: "A case with this name and other content is here already.",
    413: "The case is too large; see errors.",
    422: "The request is not valid; see errors.",
}


class Cases(GenericAPIView[Case]):
    """``POST`` one case, ``GET`` the list."""

    queryset = Case.objects.none()
    filterset_class = CaseFilters

    def get_queryset(self) -> QuerySet[Case]:
        return visible(self.request.user, Case.everything.light().select_related("case_type"), "cases.view_case")

    @extend_schema(parameters=[OpenApiParameter(name) for name in (*CaseFilters.base_filters, *sorted(PAGING))])
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        hidden = concealed_ids(request.user, [case.pk for case in page])
        if hidden and ({"label", "reason"} & set(request.query_params)):
            page = [case for case in page if case.pk not in hidden]  # to be found by its label would tell the label
        page = listed(request.user, page, hidden=hidden)
        base = base_of(request)
        return self.get_paginated_response([case_body(case, concealed=case.pk in hidden, base=base) for case in page])

    @extend_schema(request=shapes.CASE)
    def post(self, request: Request) -> HttpResponse | Response:
        sender = account(request, "cases.add_case")
        key = request.headers.get("Idempotency-Key", "")
        item = read_case(raw_json(request))
        [outcome] = ingest.ingest([item], sender=sender, origin="api", keys=[key] if key else ())
        if outcome.status in (arrivals.CREATED, arrivals.EXISTING):
            made = outcome.status == arrivals.CREATED
            body = _new_body(item, outcome, sender, request) if made else _known_body(outcome, request)
            return json_answer(body, status=STATUS[outcome.status])
        status = 413 if outcome.too_large else STATUS[outcome.status]
        errors = {name: list(texts) for name, texts in outcome.errors.items()}
        return problem(status=status, title=TITLES[status], detail=DETAILS[status], errors=errors, code=outcome.status)


class BulkCases(APIView):
    """``POST`` up to a thousand cases; the good ones are kept."""

    @extend_schema(request=shapes.CASES)
    def post(self, request: Request) -> HttpResponse:
        sender = account(request, "cases.add_case")
        items = read_cases(raw_json(request, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        key = request.headers.get("Idempotency-Key", "")
        keys = [f"{key}:{index}" for index in range(len(items))] if key else ()
        outcomes = ingest.ingest(items, sender=sender, origin="api", keys=keys)
        counts = {status: sum(outcome.status == status for outcome in outcomes) for status in STATUS}
        return json_answer(
            {
                "accepted": counts[arrivals.CREATED],
                "existing": counts[arrivals.EXISTING],
                "rejected": counts[arrivals.CONFLICT] + counts[arrivals.INVALID],
                "results": [
                    {"index": found.index, "status": found.status, "id": found.case_id, "errors": found.errors}
                    for found in outcomes
                ],
            }
        )


def _new_body(item: CaseIn, outcome: arrivals.Outcome, sender: User, request: Request) -> dict[str, Any]:
    """What the database would say of a case that has just been made, without asking it."""
    case = Case(
        pk=outcome.case_id,
        case_type=CaseType(key=item.case_type),
        source=arrivals.source_of(item, sender),
        external_id=item.external_id,
        priority=Priority[item.priority.upper()],
        requester=item.requester,
        created_at=outcome.created_at or timezone.now(),
    )
    return case_body(case, concealed=False, base=base_of(request))


def _known_body(outcome: arrivals.Outcome, request: Request) -> dict[str, Any]:
    case = Case.objects.light().select_related("case_type").get(pk=outcome.case_id or 0)
    return case_body(case, concealed=bool(concealed_ids(request.user, [case.pk])), base=base_of(request))
