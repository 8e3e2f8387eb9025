"""The desk over REST: the same verbs as in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.access import visible
from cases.api.answers import account, base_of
from cases.api.serializers import moment
from cases.api.strict import StrictSerializer
from cases.models import Prediction
from review import claims
from review.api import serializers
from review.api.bodies import decision_body, desk_body, task_body
from review.api.filters import TaskFilters
from review.decide import Answer, decide, first_answer
from review.models import ReviewTask
from review.planted import told_after
from review.shown import conceals, shown_prediction

CLAIM = "review.claim_reviewtask"
ORIGIN = "api"


def body_of(request: Request, kind: type[StrictSerializer]) -> dict[str, Any]:
    """The checked body of a call."""
    checked = kind(data=request.data)
    checked.is_valid(raise_exception=True)
    found: dict[str, Any] = checked.validated_data
    return found


def desk_of(task: ReviewTask, request: Request) -> dict[str, Any]:
    planted = shown_prediction(task) if task.planted else None
    rows = Prediction.objects.filter(case=task.case_id).order_by("-id")
    predictions = [planted] if planted else list(rows)
    return desk_body(task, predictions=predictions, base=base_of(request))


class Tasks(GenericAPIView[ReviewTask]):
    """Open tasks of the queues one may see."""

    queryset = ReviewTask.objects.none()
    filterset_class = TaskFilters

    def get_queryset(self) -> QuerySet[ReviewTask]:
        rows = ReviewTask.objects.open().select_related("queue", "assignee")
        return visible(self.request.user, rows, "review.view_reviewtask")

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response([task_body(task, concealed=conceals(task)) for task in page])


class ClaimNext(APIView):
    """Take the most pressing task; 204 when there is none."""

    @extend_schema(request=serializers.Queued)
    def post(self, request: Request) -> Response:
        user = account(request, CLAIM)
        task = claims.claim_next(user, queue=body_of(request, serializers.Queued)["queue"], origin=ORIGIN)
        return Response(desk_of(task, request)) if task else Response(status=204)


class Claim(APIView):
    """Take this very task."""

    @extend_schema(request=serializers.Nothing)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        return Response(desk_of(claims.claim(pk, user=user, origin=ORIGIN), request))


class Heartbeat(APIView):
    @extend_schema(request=serializers.Token)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        token = body_of(request, serializers.Token)["lease_token"]
        return Response({"lease_until": moment(claims.heartbeat(pk, user=user, lease_token=token))})


class Release(APIView):
    @extend_schema(request=serializers.Token)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        token = body_of(request, serializers.Token)["lease_token"]
        claims.release(pk, user=user, lease_token=token, origin=ORIGIN)
        return Response(status=204)


class Raise(APIView):
    @extend_schema(request=serializers.Reasoned)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.raise_reviewtask")
        body = body_of(request, serializers.Reasoned)
        task = claims.raise_task(pk, user=user, origin=ORIGIN, **body)
        return Response({"task": task.pk, "queue": task.queue.key})


class FirstAnswer(APIView):
    """The answer of a blind reader; what the machine said is shown in return."""

    @extend_schema(request=serializers.BlindAnswer)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.decide_reviewtask")
        body = body_of(request, serializers.BlindAnswer)
        return Response(desk_of(first_answer(pk, user=user, origin=ORIGIN, **body), request))


class Decide(APIView):
    @extend_schema(request=serializers.Decided)
    def post(self, request: Request, pk: int) -> Response:
        user: User = account(request, "review.decide_reviewtask")
        body = body_of(request, serializers.Decided)
        held = {name: body.pop(name) for name in ("lease_token", "digest")}
        decision = decide(pk, user=user, answer=Answer(**body), origin=ORIGIN, **held)
        if decision:
            return Response(decision_body(decision))
        told = told_after(ReviewTask.objects.get(pk=pk))
        return Response({"task": pk, "told": told} if told else {"task": pk, "sample": True})
