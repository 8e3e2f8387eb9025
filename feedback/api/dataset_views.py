"""Datasets over REST: make one, list them, fetch one as a file."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.access import visible
from cases.api.answers import account
from cases.api.serializers import moment
from cases.api.strict import StrictSerializer
from cases.audit import journal
from cases.errors import Invalid, Missing
from cases.models import CaseType
from feedback.datasets import ORIGINS, Selection, freeze
from feedback.exports import FORMATS
from feedback.models import Dataset
from review.api.task_views import ORIGIN


class NewDataset(StrictSerializer):
    case_type = serializers.SlugField(max_length=64)
    name = serializers.SlugField(max_length=64)
    since = serializers.DateTimeField(required=False, allow_null=True, default=None)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    origins = serializers.ListField(
        child=serializers.ChoiceField(choices=ORIGINS), max_length=len(ORIGINS), default=list(ORIGINS)
    )
    mask = serializers.BooleanField(default=True)
    minimum_agreement = serializers.FloatField(min_value=0, max_value=1, default=0.0)


class Datasets(GenericAPIView[Dataset]):
    """The frozen datasets; posting freezes one: 201 a new version, 200 the newest one when nothing has changed."""

    queryset = Dataset.objects.none()

    def get(self, request: Request) -> Response:
        account(request, "feedback.view_dataset")
        rows = visible(request.user, Dataset.objects.select_related("case_type", "made_by"), "feedback.view_dataset")
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response([dataset_body(dataset) for dataset in page])

    @extend_schema(request=NewDataset)
    def post(self, request: Request) -> Response:
        by = account(request, "feedback.add_dataset")
        checked = NewDataset(data=request.data)
        checked.is_valid(raise_exception=True)
        asked = dict(checked.validated_data)
        case_type = CaseType.objects.filter(key=asked.pop("case_type")).first()
        if case_type is None:
            raise Invalid(_("The dataset was not made."), errors={"case_type": [_("There is no such case type.")]})
        name, origins = asked.pop("name"), tuple(asked.pop("origins"))
        selection = Selection(**asked, origins=origins)
        dataset, new = freeze(case_type, name=name, selection=selection, by=by, origin=ORIGIN)
        return Response(dataset_body(dataset), status=201 if new else 200)


class Download(APIView):
    """One dataset as a file, in one of the formats."""

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=sorted(FORMATS), required=True)], responses={200: bytes}
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        user = account(request, "feedback.export_dataset")
        rows = visible(user, Dataset.objects.select_related("case_type"), "feedback.export_dataset")
        dataset = rows.filter(pk=pk).first()
        if dataset is None:
            raise Missing(_("There is no such dataset, or it is not yours to see."))
        return as_file(dataset, request.query_params.get("format", ""), user=user, origin=ORIGIN)


def as_file(dataset: Dataset, kind: str, *, user: Any, origin: str) -> HttpResponseBase:
    """The file as a download; who took it is in the audit log.

    Raises: Invalid when there is no such format.
    """
    if kind not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise Invalid(
            _("Nothing was exported."), errors={"format": [_("Choose one of: %(known)s.") % {"known": known}]}
        )
    with journal(actor=user, origin=origin) as log:
        log("dataset.exported", subject=dataset, data={"format": kind})
    ending = "csv" if kind == "csv" else "jsonl"
    answer = StreamingHttpResponse(
        FORMATS[kind](dataset.case_type, dataset.items.iterator(chunk_size=1000)),
        content_type="text/csv; charset=utf-8" if kind == "csv" else "application/jsonl",
    )
    name = f"{dataset.case_type.key}-{dataset.name}-{dataset.number}.{kind}.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def dataset_body(dataset: Dataset) -> dict[str, Any]:
    plain = {name: getattr(dataset, name) for name in ("id", "name", "counts", "sha256", "erased", "selection")}
    return {
        **plain,
        "version": dataset.number,
        "case_type": dataset.case_type.key,
        "made_by": dataset.made_by.get_username(),
        "created_at": moment(dataset.created_at),
    }
