"""Alike cases decided together, and taken back together, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.api.answers import account
from review import together
from review.api import serializers
from review.api.task_views import ORIGIN, body_of
from review.decide import Answer
from review.together import Pick, Together


class DecideTogether(APIView):
    """One answer to alike cases. Each is checked by itself; what does not fit is left out and says why."""

    @extend_schema(request=serializers.DecidedTogether)
    def post(self, request: Request) -> Response:
        user = account(request, "review.decide_reviewtask")
        body = body_of(request, serializers.DecidedTogether)
        picks = [Pick(row["task"], row["digest"]) for row in body.pop("tasks")]
        done = together.decide_together(user, picks=picks, answer=Answer(**body), origin=ORIGIN)
        return Response(_told(done, name="task"))


class UndoTogether(APIView):
    """Take a bulk decision back as far as nothing of it has left; another person's with a reason."""

    @extend_schema(request=serializers.Explained)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, "review.undo_decision")
        note = body_of(request, serializers.Explained)["note"]
        return Response(_told(together.undo_together(pk, by=user, origin=ORIGIN, note=note), name="decision"))


def _told(done: Together, *, name: str) -> dict[str, Any]:
    return {
        "batch": done.batch.pk if done.batch else None,
        "done": len(done.done),
        "left_out": len(done.left_out),
        "results": [
            {
                name: result.id,
                "status": "left_out" if result.why else "done",
                "decision": result.decision.pk if result.decision else None,
                "detail": result.why or None,
            }
            for result in done.results
        ],
    }
