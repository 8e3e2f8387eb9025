"""Webhook endpoints over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.access import visible
from cases.api.answers import account
from cases.api.strict import StrictSerializer
from cases.models import Effect, WebhookEndpoint
from cases.outbox import EVENTS
from cases.webhooks import add_endpoint, redeliver


class NewEndpoint(StrictSerializer):
    key = serializers.CharField(max_length=64)
    url = serializers.CharField(max_length=500)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), max_length=len(EVENTS))


class Redelivered(StrictSerializer):
    effect = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=2**53)
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class Webhooks(GenericAPIView[WebhookEndpoint]):
    """The endpoints one may see; an integration adds its own. The secret is in the answer to that, and nowhere else."""

    queryset = WebhookEndpoint.objects.none()

    def get(self, request: Request) -> Response:
        rows = visible(request.user, WebhookEndpoint.objects.all(), "cases.view_webhookendpoint")
        page = self.paginate_queryset(rows) or []
        dead = _dead(page)
        bodies = [endpoint_body(endpoint) | {"dead": dead.get(endpoint.pk, 0)} for endpoint in page]
        return self.get_paginated_response(bodies)

    @extend_schema(request=NewEndpoint)
    def post(self, request: Request) -> Response:
        owner = account(request, "cases.add_webhookendpoint")
        checked = NewEndpoint(data=request.data)
        checked.is_valid(raise_exception=True)
        endpoint = add_endpoint(owner=owner, origin="api", **checked.validated_data)
        return Response(endpoint_body(endpoint) | {"secret": endpoint.secret}, status=201)


class Redeliver(APIView):
    """Send what is dead again, under the same ids."""

    @extend_schema(request=Redelivered)
    def post(self, request: Request, endpoint_id: int) -> Response:
        by = account(request, "cases.redeliver_webhookendpoint")
        checked = Redelivered(data=request.data or {})
        checked.is_valid(raise_exception=True)
        chosen, reason = checked.validated_data["effect"], checked.validated_data["reason"]
        count = redeliver(endpoint_id, by=by, origin="api", effect_id=chosen, reason=reason)
        return Response({"redelivered": count})


def endpoint_body(endpoint: WebhookEndpoint) -> dict[str, Any]:
    plain = {name: getattr(endpoint, name) for name in ("id", "key", "url", "events", "enabled")}
    return plain | {"disabled_reason": endpoint.disabled_reason or None}


def _dead(endpoints: Sequence[WebhookEndpoint]) -> dict[int, int]:
    """How many deliveries of each endpoint are dead."""
    rows = Effect.objects.dead().filter(endpoint__in=endpoints).order_by().values_list("endpoint")
    return dict(rows.annotate(count=Count("pk")).values_list("endpoint", "count"))
