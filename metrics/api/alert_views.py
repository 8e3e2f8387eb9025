"""Alerts over REST: the list, and what a person does with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.api.answers import account, base_of
from cases.api.filters import PAGING, StrictForm
from cases.api.serializers import API_ROOT, moment
from cases.api.strict import StrictSerializer
from cases.errors import Missing
from cases.models import CaseType
from metrics.alerting import acts, reading
from metrics.models import Alert, Kind, Severity

ORIGIN = "api"
SEVERITIES = {severity.name.lower(): severity.value for severity in Severity}


class AlertFilters(django_filters.FilterSet):  # type: ignore[misc]  # the library is untyped
    state = django_filters.ChoiceFilter(choices=Alert.State.choices)
    severity = django_filters.ChoiceFilter(choices=[(name, name) for name in SEVERITIES], method="of_severity")
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    case_type = django_filters.CharFilter(method="of_type", max_length=64)

    class Meta:
        model = Alert
        fields: list[str] = []
        form = StrictForm

    def of_severity(self, rows: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        return rows.filter(severity=SEVERITIES[value])

    def of_type(self, rows: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        return rows.filter(case_type__in=CaseType.objects.filter(key=value).values_list("pk", flat=True)[:1])


class MuteOut(serializers.Serializer[Any]):
    until = serializers.DateTimeField()
    by = serializers.CharField()
    because = serializers.CharField()


class AlertOut(serializers.Serializer[Any]):
    """An alert. `muted` is null unless its rule is muted now; `figures` depend on the kind."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    rule = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    severity = serializers.ChoiceField(choices=list(SEVERITIES))
    state = serializers.ChoiceField(choices=Alert.State.choices)
    subject = serializers.CharField()
    subject_name = serializers.CharField()
    case_type = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    advice = serializers.CharField()
    opened_at = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    snoozed_until = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    muted = MuteOut(allow_null=True)
    figures = serializers.DictField()
    changes = serializers.ListField(child=serializers.DictField())
    cases = serializers.ListField(child=serializers.IntegerField())


class AlertPage(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = AlertOut(many=True)


class AlertNote(StrictSerializer):
    note = serializers.CharField(
        max_length=acts.LONGEST_NOTE, required=False, allow_blank=True, default="", trim_whitespace=False
    )


class AlertSnooze(AlertNote):
    minutes = serializers.IntegerField(min_value=1, max_value=7 * 24 * 60)


class AlertResolve(StrictSerializer):
    note = serializers.CharField(max_length=acts.LONGEST_NOTE)


class Alerts(GenericAPIView[Alert]):
    """What was raised, the newest first."""

    queryset = Alert.objects.none()
    filterset_class = AlertFilters

    def get_queryset(self) -> QuerySet[Alert]:
        return reading.seen_by(account(self.request, acts.SEE)).select_related("rule", "case_type")

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in (*AlertFilters.base_filters, *sorted(PAGING))],
        responses=AlertPage,
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        cases = reading.cases_of(page, account(request, acts.SEE))
        return self.get_paginated_response([alert_body(alert, request, cases) for alert in page])


class One(APIView):
    """One alert."""

    @extend_schema(responses=AlertOut)
    def get(self, request: Request, pk: int) -> Response:
        rows = reading.seen_by(account(request, acts.SEE)).select_related("rule", "case_type")
        alert = rows.filter(pk=pk).first()
        if alert is None:
            raise Missing(_("There is no such alert, or it is not yours to see."))
        return Response(alert_body(alert, request))


class Acknowledge(APIView):
    """Say that one looks after it; 409 when somebody does already, or it is resolved."""

    @extend_schema(request=AlertNote, responses=AlertOut)
    def post(self, request: Request, pk: int) -> Response:
        by = account(request, acts.SEE)
        return Response(alert_body(acts.acknowledge(pk, by=by, origin=ORIGIN, **_body(request, AlertNote)), request))


class Snooze(APIView):
    """Put it aside for some minutes; it is open again after that if it still holds."""

    @extend_schema(request=AlertSnooze, responses=AlertOut)
    def post(self, request: Request, pk: int) -> Response:
        by = account(request, acts.SEE)
        return Response(alert_body(acts.snooze(pk, by=by, origin=ORIGIN, **_body(request, AlertSnooze)), request))


class Resolve(APIView):
    """Close it by hand, with a note."""

    @extend_schema(request=AlertResolve, responses=AlertOut)
    def post(self, request: Request, pk: int) -> Response:
        by = account(request, acts.SEE)
        return Response(alert_body(acts.resolve(pk, by=by, origin=ORIGIN, **_body(request, AlertResolve)), request))


def alert_body(alert: Alert, request: Request, cases: Mapping[int, list[int]] | None = None) -> dict[str, Any]:
    """An alert as plain JSON, with the cases behind it that the account may see."""
    known = cases if cases is not None else reading.cases_of([alert], account(request, acts.SEE))
    mute = reading.mute_of(alert.rule)
    moments = ("opened_at", "last_seen", "snoozed_until", "resolved_at")
    return {
        "id": alert.pk,
        "url": f"{base_of(request)}{API_ROOT}/alerts/{alert.pk}/",
        "rule": alert.rule.key,
        "kind": alert.kind,
        "severity": Severity(alert.severity).name.lower(),
        "state": alert.state,
        "subject": alert.subject,
        "subject_name": alert.subject_name,
        "case_type": alert.case_type.key if alert.case_type else None,
        "text": reading.words(alert),
        "advice": reading.advice(alert),
        **{name: moment(getattr(alert, name)) for name in moments},
        "muted": {**mute, "until": moment(mute["until"])} if mute else None,
        "figures": alert.evidence.get("figures", {}),
        "changes": alert.evidence.get("changes", []),
        "cases": known[alert.pk],
    }


def _body(request: Request, kind: type[StrictSerializer]) -> dict[str, Any]:
    checked = kind(data=request.data or {})
    checked.is_valid(raise_exception=True)
    found: dict[str, Any] = checked.validated_data
    return found
