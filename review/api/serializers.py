"""What the review calls take. They check form only; the verbs check meaning."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from review.models import Decision

LONGEST_NOTE = 10_000


class StrictSerializer(serializers.Serializer[Any]):
    """A field that nobody knows is refused: it would silently change nothing."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError({str(name)[:80]: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


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
