"""Putting tasks down and into other hands over REST, and the notes beside a case."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.api.answers import account, opened
from cases.concealment import concealed_ids
from review import claims, handing, holding, notes
from review.api import serializers
from review.api.bodies import note_body, task_body
from review.api.task_views import CLAIM, ORIGIN, body_of, desk_of
from review.models import ReviewTask
from review.shown import conceals


class Hold(APIView):
    """Keep the task without time limit; `resume` takes it up again."""

    @extend_schema(request=serializers.Because)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        holding.hold(pk, user=user, origin=ORIGIN, **body_of(request, serializers.Because))
        return Response(status=204)


class Resume(APIView):
    """Take up again what is on hold in one's hands; the answer is that of a claim."""

    @extend_schema(request=serializers.Nothing)
    def post(self, request: Request, pk: int) -> Response:
        body_of(request, serializers.Nothing)
        return Response(desk_of(holding.resume(pk, user=account(request, CLAIM), origin=ORIGIN), request))


class Snooze(APIView):
    """Put the task away until a moment. ``late`` tells that it will be due before that."""

    @extend_schema(request=serializers.Snoozed)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        late = holding.snooze(pk, user=user, origin=ORIGIN, **body_of(request, serializers.Snoozed))
        return Response({"late": late})


class Wake(APIView):
    """Put a snoozed task back into its queue before its time."""

    @extend_schema(request=serializers.Nothing)
    def post(self, request: Request, pk: int) -> Response:
        body_of(request, serializers.Nothing)
        holding.wake(pk, user=account(request, CLAIM), origin=ORIGIN)
        return Response(status=204)


class Skip(APIView):
    """Give the task back for somebody else to do."""

    @extend_schema(request=serializers.Because)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        holding.skip(pk, user=user, origin=ORIGIN, **body_of(request, serializers.Because))
        return Response(status=204)


class Assign(APIView):
    """Hand the task to a person or to another queue; the answer is its new stay."""

    @extend_schema(request=serializers.Assigned)
    def post(self, request: Request, pk: int) -> Response:
        body = body_of(request, serializers.Assigned)
        user = account(request, CLAIM if "lease_token" in body else handing.ASSIGN)
        hand = handing.hand_to_person if "user" in body else handing.hand_to_queue
        to = body.pop("user", "") or body.pop("queue", "")
        task = hand(pk, user=user, to=to, origin=ORIGIN, **body)
        return Response(_told(task))


class Help(APIView):
    """Ask a person, or those on duty; the question is kept as a note on the case."""

    @extend_schema(request=serializers.Asked)
    def post(self, request: Request, pk: int) -> Response:
        user = account(request, CLAIM)
        return Response(
            {"asked": handing.ask_help(pk, user=user, origin=ORIGIN, **body_of(request, serializers.Asked))}
        )


class TakeAway(APIView):
    """Free a task that somebody holds, with a reason."""

    @extend_schema(request=serializers.TakenAway)
    def post(self, request: Request, pk: int) -> Response:
        by = account(request, "review.release_any_reviewtask")
        claims.take_away(pk, by=by, origin=ORIGIN, **body_of(request, serializers.TakenAway))
        return Response(status=204)


class Notes(APIView):
    """What people wrote beside a case. While it is to be read blind, what others wrote is kept back."""

    def get(self, request: Request, pk: int) -> Response:
        case = opened(request, pk)
        hidden = bool(concealed_ids(request.user, [case.pk]))
        rows = [note for note in notes.notes_on(case) if not hidden or note.author_id == request.user.pk]
        return Response({"next": None, "previous": None, "results": [note_body(note) for note in rows]})

    @extend_schema(request=serializers.Written)
    def post(self, request: Request, pk: int) -> Response:
        author = account(request, notes.COMMENT)
        written = notes.write(pk, author=author, origin=ORIGIN, **body_of(request, serializers.Written))
        return Response(note_body(written.note) | {"told": written.told, "untold": written.untold}, status=201)


def _told(task: ReviewTask) -> dict[str, Any]:
    return task_body(task, concealed=conceals(task))
