"""What the lists of quality and learning have in common: a next step where there is one, and a word where there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise

from cases.admin.base import BackOfficeAdmin, account

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Step:
    """A button over a list: what it does, the page it leads to by name, and the permission that it needs."""

    title: Text
    address: str
    permission: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """What an empty list says: that it is empty, and what fills it."""

    title: Text
    text: Text


class LearningList(BackOfficeAdmin):
    change_list_template = "admin/feedback/list.html"
    steps: ClassVar[tuple[Step, ...]] = ()
    nothing: ClassVar[Nothing]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        user = account(request)
        offered = [step for step in self.steps if user.has_perm(step.permission)]
        steps = [{"title": step.title, "url": reverse(step.address)} for step in offered]
        return super().changelist_view(request, {"steps": steps, "nothing": self.nothing, **(extra_context or {})})
