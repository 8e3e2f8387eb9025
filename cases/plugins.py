"""One plug-in shape for all: ``{"BACKEND": dotted path, "OPTIONS": {}}``, made once per process and alias."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from cases.actions.base import Action
from cases.classifiers.base import Classifier


class UnknownAlias(LookupError):
    """A case type names a plug-in that the settings do not have."""


@lru_cache(maxsize=64)
def classifier(alias: str) -> Classifier:
    made: Classifier = _make(settings.CLASSIFIERS, alias)
    return made


@lru_cache(maxsize=64)
def action(alias: str) -> Action:
    made: Action = _make(settings.ACTIONS, alias)
    return made


def _make(registry: Mapping[str, Mapping[str, Any]], alias: str) -> Any:
    if alias not in registry:
        raise UnknownAlias(f"'{alias}' is not configured; there are: {', '.join(sorted(registry))}")
    entry = registry[alias]
    return import_string(entry["BACKEND"])(**entry.get("OPTIONS", {}))
