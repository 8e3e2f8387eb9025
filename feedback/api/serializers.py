from __future__ import annotations

from rest_framework import serializers

from cases.api.strict import StrictSerializer
from review.api.serializers import LONGEST_NOTE


class Outcome(StrictSerializer):
    """News from downstream."""

    correct = serializers.BooleanField()
    output = serializers.DictField(required=False, allow_null=True, default=None)
    source = serializers.CharField(max_length=120)  # type: ignore[assignment]  # a field of that name, not the base's option
    note = serializers.CharField(max_length=LONGEST_NOTE, default="", allow_blank=True)
