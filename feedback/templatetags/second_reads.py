"""What the desk asks of a disagreement between two readers."""

from __future__ import annotations

from typing import Any

from django import template

from feedback.second_reads import answers, to_settle
from review.desk.told import told_of

register = template.Library()


@register.inclusion_tag("feedback/two_answers.html")
def two_answers(screen: Any) -> dict[str, Any]:
    """Both answers without names, for the one who holds the task that settles them; else nothing."""
    read = to_settle(screen.task) if screen.mine else None
    schema = screen.case.case_type.output_schema
    told = [(place, output, told_of(schema, output) if output else []) for place, output in _placed(read)]
    return {"answers": told, "task": screen.task, "digest": screen.digest}


def _placed(read: Any) -> list[tuple[int, Any]]:
    return list(enumerate(answers(read), start=1)) if read else []
