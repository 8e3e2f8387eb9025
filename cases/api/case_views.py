"""What is done with one case: its timeline, its withdrawal, an outside model's answer, its files."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet, Subquery
from django.http import FileResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import hooks
from cases.api import shapes
from cases.api.answers import base_of, opened, signed_in
from cases.api.bodies import check_size, raw_json
from cases.api.pagination import KeyPagination
from cases.api.serializers import attachment_body, case_body, event_body, prediction_body
from cases.attachments import MOST_BYTES, attach, download
from cases.cancel import cancel_case
from cases.concealment import concealed_ids
from cases.envelope import CancelIn, read_object, read_prediction
from cases.errors import Invalid, Missing
from cases.models import Attachment, AuditEvent, Case
from cases.models.choices import State
from cases.supply import supply

ARRIVAL = ("case.received", "case.classified", "case.predicted", "case.in_review", "attachment.added")
MULTIPART_OVERHEAD = 64 * 1024


class InOrder(KeyPagination):
    ordering = "id"


class CaseEvents(GenericAPIView[AuditEvent]):
    """The audit timeline of a case, oldest first."""

    queryset = AuditEvent.objects.none()
    pagination_class: type[CursorPagination] = InOrder
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(case_id=self.kwargs["case_id"])

    def told(self, case: Case, *, concealed: bool) -> QuerySet[AuditEvent]:
        """While what came of the case is concealed: how it came in, and its present stay with a person."""
        rows = self.get_queryset()
        if not concealed or case.state not in (State.DECIDED, State.CLOSED):
            return rows
        stays = rows.filter(action="task.opened").order_by("-id").values("id")[:1]
        return rows.filter(Q(action__in=ARRIVAL) | Q(action__startswith="task.", id__gte=Subquery(stays)))

    def get(self, request: Request, case_id: int) -> Response:
        case = opened(request, case_id)
        if case.copy_of_id is not None:
            told = [event_body(event, concealed=False) for event in hooks.ask("case_events", case=case)]
            return Response({"next": None, "previous": None, "results": told})
        concealed = bool(concealed_ids(request.user, [case.pk]))
        page = self.paginate_queryset(self.told(case, concealed=concealed)) or []
        return self.get_paginated_response([event_body(event, concealed=concealed) for event in page])


class CancelCase(APIView):
    @extend_schema(request=shapes.CANCELLATION)
    def post(self, request: Request, case_id: int) -> Response:
        given = read_object(raw_json(request), CancelIn)
        case = cancel_case(opened(request, case_id), reason=given.reason, user=signed_in(request), origin="api")
        concealed = bool(concealed_ids(request.user, [case.pk]))
        return Response(case_body(case, concealed=concealed, base=base_of(request)))


class SupplyPrediction(APIView):
    """201 when it is new, 200 when it is the one that is here already."""

    @extend_schema(request=shapes.PREDICTION)
    def post(self, request: Request, case_id: int) -> Response:
        given = read_prediction(raw_json(request))
        made, new = supply(opened(request, case_id), given, user=signed_in(request), origin="api")
        return Response(prediction_body(made), status=201 if new else 200)


class CaseAttachments(APIView):
    """``POST`` one file as the multipart field ``file``; ``GET`` the list."""

    parser_classes = [MultiPartParser]

    @extend_schema(request=shapes.FILE)
    def post(self, request: Request, case_id: int) -> Response:
        check_size(request, most=MOST_BYTES + MULTIPART_OVERHEAD)
        case = opened(request, case_id)
        uploads = request.FILES.getlist("file")
        if len(uploads) != 1 or not isinstance(uploads[0], UploadedFile):
            raise Invalid(
                _("Send one file."), errors={"file": [_("Send exactly one file in the multipart field 'file'.")]}
            )
        made, new = attach(case, uploads[0], user=signed_in(request), origin="api")
        return Response(attachment_body(made, base=base_of(request)), status=201 if new else 200)

    def get(self, request: Request, case_id: int) -> Response:
        case = opened(request, case_id)
        rows = Attachment.objects.filter(case=case).order_by("id")
        return Response({"results": [attachment_body(row, base=base_of(request)) for row in rows]})


class DownloadAttachment(APIView):
    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, case_id: int, attachment_id: int) -> FileResponse:
        case = opened(request, case_id)
        found = Attachment.objects.filter(case=case, pk=attachment_id).first()
        if found is None:
            raise Missing(_("There is no such file."))
        return download(found)
