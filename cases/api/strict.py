from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

NUMBERS = (serializers.IntegerField, serializers.FloatField)


class StrictSerializer(serializers.Serializer[Any]):
    """A field that nobody knows is refused: it would silently change nothing. So is a number or a truth in disguise."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            wrong = {str(name)[:80]: [_("There is no such field.")] for name in set(data) - set(self.fields)}
            wrong |= {
                name: [fault] for name, field in self.fields.items() if (fault := _disguised(field, data.get(name)))
            }
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


def _disguised(field: Any, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(field, NUMBERS) and (isinstance(value, bool) or not isinstance(value, int | float)):
        return _("Give a JSON number.")
    return (
        _("Give true or false.") if isinstance(field, serializers.BooleanField) and not isinstance(value, bool) else ""
    )
