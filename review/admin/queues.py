"""Queues: set up by administrators, seen by those who work in them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cases.admin.base import badge
from cases.admin.editing import AuditedAdmin, VersionedForm
from review.models import Queue, ReviewTask
from review.queues import why_kept


class QueueForm(VersionedForm):
    class Meta:
        model = Queue
        fields = ("key", "name", "kind", "weight", "on_breach", "groups")
        widgets = {"groups": forms.CheckboxSelectMultiple}


@admin.register(Queue)
class QueueAdmin(AuditedAdmin):
    form = QueueForm
    list_display = ("name", "key", "kind_badge", "members", "weight", "on_breach", "open_tasks")
    list_filter = ("kind",)
    exact = ("key",)
    prefix = ("name",)
    sortable_by = ("name", "key")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        waiting = ReviewTask.objects.open().filter(queue=models.OuterRef("pk")).order_by().values("queue")
        count = models.Subquery(waiting.annotate(n=models.Count("pk")).values("n"), output_field=models.IntegerField())
        rows: models.QuerySet[Any] = super().get_queryset(request)
        counted: models.QuerySet[Any] = rows.prefetch_related("groups").annotate(waiting=count)
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A queue that rules or tasks point at stays: cases would have nowhere to go. The rules are named."""
        queue = self.get_object(request, object_id)
        if queue is None or not self.has_delete_permission(request, queue):
            return super().delete_view(request, object_id, extra_context)
        if not (kept := why_kept(queue)):
            try:
                return super().delete_view(request, object_id, extra_context)
            except models.ProtectedError:  # a rule has come to point at it since
                kept = why_kept(queue)
        messages.error(request, kept)
        return HttpResponseRedirect(reverse("admin:review_queue_change", args=[queue.pk]))

    @admin.display(description=gettext_lazy("kind"))
    def kind_badge(self, queue: Queue) -> SafeString:
        return badge(queue.get_kind_display())

    @admin.display(description=gettext_lazy("groups"))
    def members(self, queue: Queue) -> str:
        return ", ".join(group.name for group in queue.groups.all())

    @admin.display(description=gettext_lazy("open tasks"))
    def open_tasks(self, queue: Any) -> int:
        return queue.waiting or 0
