"""The shape of the measures on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from metrics.estimates import Estimate
from metrics.measures import Measure, Reading
from metrics.report import Report


class FigureSerializer(serializers.Serializer[Any]):
    """A figure; `interval` is `[low, high]` at 95 %, null where there is too little to bound it."""

    value = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True)
    numerator = serializers.FloatField()
    denominator = serializers.FloatField()


class StepSerializer(FigureSerializer):
    start = serializers.DateTimeField()


class MeasureSerializer(FigureSerializer):
    name = serializers.CharField()
    unit = serializers.ChoiceField(choices=["share", "seconds", "per_hour", "hours", "tasks"])
    state = serializers.ChoiceField(choices=["good", "watch", "alert", "too_few", "plain"])
    remark = serializers.CharField()
    band = serializers.CharField()
    advice = serializers.CharField()
    definition = serializers.DictField(child=serializers.CharField())
    series = StepSerializer(many=True)


class ReportSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    interval = serializers.ChoiceField(choices=["hour", "day"])
    case_type = serializers.CharField(allow_null=True)
    measures = serializers.DictField(child=MeasureSerializer())

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of the language, so the fields are named here."""
        fields = super().get_fields()
        return {"from": fields.pop("start"), "to": fields.pop("end"), **fields}


def report(made: Report) -> dict[str, Any]:
    """A report as plain JSON."""
    period = made.period
    return {
        "from": _moment(period.start),
        "to": _moment(period.end),
        "interval": period.span.value,
        "case_type": period.case_type.key if period.case_type else None,
        "measures": {reading.measure.key: _measure(reading, made) for reading in made.readings},
    }


def _measure(reading: Reading, made: Report) -> dict[str, Any]:
    measure = reading.measure
    return {
        "name": str(measure.name),
        "unit": measure.unit.value,
        **_figure(reading.estimate),
        "state": reading.verdict.state.value,
        "remark": str(reading.verdict.remark),
        **{name: str(getattr(measure, name)) for name in ("band", "advice")},
        "definition": _definition(measure),
        "series": [{"start": _moment(step.start), **_figure(step.estimates[measure.key])} for step in made.steps],
    }


def _definition(measure: Measure) -> dict[str, str]:
    return {name: str(getattr(measure, name)) for name in ("numerator", "denominator", "excludes", "method")}


def _figure(estimate: Estimate) -> dict[str, Any]:
    interval = estimate.interval
    return {
        "value": estimate.value,
        "interval": [interval.low, interval.high] if interval else None,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
    }


def _moment(moment: datetime) -> str:
    return f"{moment.isoformat()[:19]}Z"
