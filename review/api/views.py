"""Cases in full, decisions, queues and policies over REST."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.access import visible
from cases.api.answers import account, base_of
from cases.api.serializers import attachment_body, case_body, moment, prediction_body
from cases.audit import settled_id
from cases.concealment import concealed_ids
from cases.errors import Invalid
from cases.models import Case, CaseType
from cases.viewing import open_case
from review import approve, reopen
from review.api import bodies, serializers
from review.api.filters import PolicyFilters
from review.api.task_views import ORIGIN, body_of
from review.models import Decision, Policy, Queue, ReviewTask
from review.planted import copied
from review.queues import Standing, stand
from review.shown import shown_prediction

FEED_PAGE = 100
FEED_PAGE_MOST = 200
FAR = 2**62


class CaseDetail(APIView):
    """One case with its predictions, tasks, decisions and effects."""

    def get(self, request: Request, pk: int) -> Response:
        user = request.user
        case = open_case(user, pk, reason=request.headers.get("X-Reason", ""), origin=ORIGIN)  # type: ignore[arg-type]
        if task := copied([case]).get(case.pk):
            return Response(self.copy_body(task, base=base_of(request)))
        hidden = bool(concealed_ids(user, [case.pk]))
        return Response(self.body(case, hidden=hidden, base=base_of(request)))

    def copy_body(self, task: ReviewTask, *, base: str) -> dict[str, Any]:
        """The copy of a known case, which shows what its task shows."""
        case, said = task.case, shown_prediction(task)
        return case_body(case, concealed=False, base=base) | {
            "payload": case.payload,
            "context": case.context,
            "metadata": case.metadata,
            "attachments": [attachment_body(file, base=base) for file in case.attachments.order_by("id")],
            "predictions": [prediction_body(said)] if said else [],
            "tasks": [bodies.task_body(task, concealed=False)],
            "decisions": [],
            "effects": [],
        }

    def body(self, case: Case, *, hidden: bool, base: str) -> dict[str, Any]:
        predictions = [] if hidden else case.predictions.order_by("id")
        tasks = case.tasks.select_related("queue", "assignee").order_by("id")
        return case_body(case, concealed=hidden, base=base) | {
            "payload": case.payload,
            "context": case.context,
            "metadata": case.metadata,
            "attachments": [attachment_body(file, base=base) for file in case.attachments.order_by("id")],
            "predictions": [prediction_body(row) for row in predictions],
            "tasks": [bodies.task_body(task, concealed=hidden) for task in tasks],
            "decisions": [bodies.decision_body(row, concealed=hidden) for row in _full(case.decisions.order_by("id"))],
            "effects": [bodies.effect_body(row) for row in case.effects.select_related("endpoint").order_by("id")],
        }


def _full(decisions: QuerySet[Decision]) -> QuerySet[Decision]:
    return decisions.select_related("policy", "decided_by", "approval__by")


class Reopen(APIView):
    """Put a decided case up for decision again."""

    @extend_schema(request=serializers.Explained)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.override_decision")
        task = reopen.reopen_case(pk, by=user, note=body_of(request, serializers.Explained)["note"], origin=ORIGIN)
        return Response({"task": task.pk, "queue": task.queue.key})


class RequestReopening(APIView):
    """Ask those who may reopen to look at a decided case again."""

    @extend_schema(request=serializers.Explained)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.request_reopening")
        note = body_of(request, serializers.Explained)["note"]
        return Response({"told": reopen.request_reopening(pk, by=user, note=note, origin=ORIGIN)})


class Decisions(APIView):
    """The feed of decisions, oldest first. Give the ``cursor`` of the last answer as ``since``: nothing is skipped."""

    @extend_schema(
        parameters=[
            OpenApiParameter("since", str, description="the id of the last decision seen, or an RFC 3339 moment"),
            OpenApiParameter("case_type", str),
            OpenApiParameter("page_size", int),
        ]
    )
    def get(self, request: Request) -> Response:
        size = _whole(request, "page_size", default=FEED_PAGE, low=1, high=FEED_PAGE_MOST)
        rows = _since(visible(request.user, _full(Decision.objects.all()), "review.view_decision"), request)
        if "case_type" in request.query_params:
            rows = rows.filter(case__case_type__key=request.query_params["case_type"][:64])
        found = list(rows.filter(pk__lte=settled_id(Decision)).order_by("pk")[: size + 1])
        page = found[:size]
        hidden = concealed_ids(request.user, [row.case_id for row in page])
        cursor = page[-1].pk if page else _last_seen(request)
        return Response(
            {
                "next": _next(request, cursor) if len(found) > size else None,
                "previous": None,
                "cursor": cursor,
                "results": [bodies.decision_body(row, concealed=row.case_id in hidden) for row in page],
            }
        )


def _since(rows: QuerySet[Decision], request: Request) -> QuerySet[Decision]:
    text = request.query_params.get("since", "")
    if not text or (text.isascii() and text.isdigit()):
        return rows.filter(pk__gt=min(int(text[:19] or 0), FAR))
    return rows.filter(decided_at__gte=_moment(text))


def _last_seen(request: Request) -> int | str | None:
    """What an empty page is followed by: what was asked for."""
    text = request.query_params.get("since", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(FAR)) else text or None


def _moment(text: str) -> Any:
    try:
        found = parse_datetime(text.replace(" ", "+"))
        found = found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Invalid(
            "The feed was not read.", errors={"since": ["Give a decision's id or an RFC 3339 moment with offset."]}
        )
    return found


def _whole(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise Invalid("The list was not read.", errors={name: [f"Give a whole number from {low} to {high}."]})
    return int(text)


def _next(request: Request, cursor: object) -> str:
    query = request.query_params.copy()
    query["since"] = str(cursor)
    return f"{base_of(request)}{request.path}?{query.urlencode()}"


class Approve(APIView):
    """The second approval; ``approve: false`` sends the decision back, with a note.

    With the ``digest`` of the ``held_decision`` that a claim showed, nothing else than that is approved: 409 once it changed.
    """

    @extend_schema(request=serializers.Verdict)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.approve_decision")
        body = body_of(request, serializers.Verdict)
        if not body.pop("approve"):
            return _sent_back(pk, user, body)
        approve.approve(pk, by=user, origin=ORIGIN, **body)
        return Response({"approved": True})


class SendBack(APIView):
    """Return a held decision to the queue it came from, with a note for whoever decides again."""

    @extend_schema(request=serializers.Returned)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.approve_decision")
        return _sent_back(pk, user, body_of(request, serializers.Returned))


def _sent_back(pk: int, user: User, body: dict[str, Any]) -> Response:
    task = approve.send_back(pk, by=user, origin=ORIGIN, **body)
    return Response({"approved": False, "task": task.pk})


class Undo(APIView):
    """Take a decision back while nothing of it has left; another person's, or a policy's, with a reason."""

    @extend_schema(request=serializers.Explained)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.undo_decision")
        task = approve.undo(pk, by=user, origin=ORIGIN, note=body_of(request, serializers.Explained)["note"])
        return Response({"task": task.pk})


class Override(APIView):
    @extend_schema(request=serializers.Overridden)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.override_decision")
        decision = reopen.override(pk, by=user, origin=ORIGIN, **body_of(request, serializers.Overridden))
        return Response(bodies.decision_body(decision))


class Queues(APIView):
    """The queues one may see, with what waits in them."""

    def get(self, request: Request) -> Response:
        rows = visible(request.user, Queue.objects.all(), "review.view_queue")
        results = [bodies.queue_body(queue, _told(found)) for queue, found in stand(rows)]
        return Response({"next": None, "previous": None, "results": results})


def _told(found: Standing) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("waiting", "claimed", "held", "snoozed", "overdue")}
    return {**counts, "oldest": moment(found.oldest), "next_due": moment(found.next_due)}


class Policies(GenericAPIView[Policy]):
    queryset = Policy.objects.none()
    filterset_class = PolicyFilters

    def get_queryset(self) -> QuerySet[Policy]:
        rows = Policy.objects.select_related("case_type", "calendar").prefetch_related("rules__queue")
        return visible(self.request.user, rows, "review.view_policy")

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([bodies.policy_body(policy) for policy in page])


class CaseTypes(APIView):
    def get(self, request: Request) -> Response:
        rows = visible(request.user, CaseType.objects.all(), "cases.view_casetype")
        plain = (
            "key",
            "name",
            "impact",
            "reversible",
            "idempotent",
            "guidelines",
            "output_schema",
            "classifier",
            "action",
        )
        results = [
            {name: getattr(row, name) for name in plain} | {"manual_minutes": float(row.manual_minutes)} for row in rows
        ]
        return Response({"next": None, "previous": None, "results": results})
