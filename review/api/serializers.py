"""What the review calls take. They check form only; the verbs check meaning."""

from __future__ import annotations

from rest_framework import serializers

from cases.api.strict import StrictSerializer
from review.models import Decision

LONGEST_NOTE = 10_000


class Queued(StrictSerializer):
    queue = serializers.CharField(max_length=64, default="", allow_blank=True)


class Token(StrictSerializer):
    lease_token = serializers.IntegerField(min_value=0, max_value=2**53)


class Reasoned(Token):
    reason = serializers.CharField(max_length=LONGEST_NOTE)


class Noted(StrictSerializer):
    note = serializers.CharField(max_length=LONGEST_NOTE, default="", allow_blank=True)
    approve = serializers.BooleanField(default=True)


class Nothing(StrictSerializer):
    """An empty body."""


class BlindAnswer(Token):
    digest = serializers.CharField(max_length=64)
    output = serializers.DictField()


class Decided(Token):
    digest = serializers.CharField(max_length=64)
    outcome = serializers.ChoiceField(choices=Decision.Outcome.values)
    output = serializers.DictField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=200, default="", allow_blank=True)
    note = serializers.CharField(max_length=LONGEST_NOTE, default="", allow_blank=True)
    active_seconds = serializers.FloatField(min_value=0, max_value=86_400, default=None, allow_null=True)


class Overridden(StrictSerializer):
    outcome = serializers.ChoiceField(choices=Decision.Outcome.values)
    output = serializers.DictField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=LONGEST_NOTE)
