"""What the review calls take. They check form only; the verbs check meaning."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cases.api.strict import StrictSerializer
from review.models import Decision

LONGEST_NOTE = 10_000
NO_TOKEN = 2**53  # larger than any lease that was ever counted


class Queued(StrictSerializer):
    queue = serializers.CharField(max_length=64, default="", allow_blank=True)


@extend_schema_field(OpenApiTypes.INT)
class LeaseToken(serializers.Field[int, Any, int, Any]):
    """A word, or a number larger than any, is nobody's token: the verb says that the lease is lost, as with an old one."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not data.lstrip("-").isdecimal():
            return NO_TOKEN
        if isinstance(data, int) and not isinstance(data, bool) and data >= 0:
            return min(data, NO_TOKEN)
        raise serializers.ValidationError(["Give the number that came with the claim."])


class Token(StrictSerializer):
    lease_token = LeaseToken()


class Reasoned(Token):
    """Why, as ``reason`` or as ``note``: what a decision calls a note is the reason of a raise."""

    reason = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        note = attrs.pop("note", "")
        return {**attrs, "reason": attrs.get("reason") or note}


class Because(Token):
    """Why, for those who meet the task next."""

    reason = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")


class Snoozed(Because):
    until = serializers.DateTimeField(help_text="at most 30 days from now")


class Assigned(StrictSerializer):
    """To a person or to a queue. Without a ``lease_token`` it takes the right to hand over anybody's task."""

    lease_token = LeaseToken(required=False)
    user = serializers.CharField(max_length=150, required=False, help_text="a person's user name")
    queue = serializers.CharField(max_length=64, required=False, help_text="a queue's key")
    note = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("user" in attrs) == ("queue" in attrs):
            raise serializers.ValidationError({"user": [_("Give either a user or a queue.")]})
        return attrs


class Asked(StrictSerializer):
    """A question to a person, or to those on duty."""

    question = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")
    to = serializers.CharField(max_length=150, default="", allow_blank=True)


class TakenAway(StrictSerializer):
    reason = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")


class Written(StrictSerializer):
    text = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")


class Explained(StrictSerializer):
    """Why, as ``note`` or as ``reason``."""

    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)
    reason = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        reason = attrs.pop("reason", "")
        return {**attrs, "note": attrs.get("note") or reason}


class Returned(Explained):
    digest = serializers.CharField(max_length=64, required=False)


class Verdict(Returned):
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


class Picked(StrictSerializer):
    task = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    digest = serializers.CharField(max_length=64)


class DecidedTogether(StrictSerializer):
    """One answer to several claimed or free tasks. To amend, ``output`` holds the fields that take the place of the machine's."""

    tasks = serializers.ListField(child=Picked(), min_length=1, max_length=50)
    outcome = serializers.ChoiceField(choices=Decision.Outcome.values)
    output = serializers.DictField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=200, default="", allow_blank=True)
    note = serializers.CharField(max_length=LONGEST_NOTE, default="", allow_blank=True)
    active_seconds = serializers.FloatField(min_value=0, max_value=86_400, default=None, allow_null=True)


class Overridden(Explained):
    """An output without an outcome amends."""

    outcome = serializers.ChoiceField(choices=Decision.Outcome.values, default=Decision.Outcome.AMEND.value)
    output = serializers.DictField(required=False, allow_null=True, default=None)
