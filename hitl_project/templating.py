"""Django's templates, leaving nothing behind for the cycle collector.

A context holds on to itself: each of its layers is a `ContextDict`, which knows its context. So everything a page was made
from, thousands of cells on a report, would stay in memory until the collector comes, and then some reader waits for it.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.backends import django
from django.template.context import make_context
from django.utils.safestring import SafeString


class Templates(django.DjangoTemplates):
    def get_template(self, template_name: str) -> Template:
        return Template(super().get_template(template_name).template, self)


class Template(django.Template):
    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        """As Django's own; afterwards the context is taken apart."""
        made = make_context(context, request, autoescape=self.backend.engine.autoescape)
        try:
            return self.template.render(made)
        except TemplateDoesNotExist as missing:
            django.reraise(missing, self.backend)
        finally:
            made.dicts.clear()
