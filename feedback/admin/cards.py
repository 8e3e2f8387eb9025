"""A version's card in words and figures, ready for a page: the templates only lay it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from feedback.models import ModelVersion, PromptVersion
from feedback.shadow import agreement

NOTHING = "–"
REPLAYED = ("automated", "escalated", "wrong")
Version = ModelVersion | PromptVersion


def card(version: Version) -> dict[str, Any]:
    """The parts of the page; what an old version does not tell is left out."""
    told = version.metrics
    return {
        "facts": _facts(version) if isinstance(version, ModelVersion) else _prompt_facts(version),
        "comparison": told.get("comparison", {}),
        "reliability": [
            {"n": row["n"], "said": percent(row["said"]), "right": percent(row["right"]), "share": row["right"]}
            for row in told.get("reliability", [])
        ],
        "coverage": [
            {
                "let": percent(row["coverage"]),
                "from": figure(row["threshold"]),
                "error": percent(row["error"]),
                "share": row["error"],
            }
            for row in told.get("risk_coverage", [])
        ],
        "labels": _labels(version),
        "recurrence": _recurrence(told),
        "replay": _replayed(told.get("replay")),
        "replayed": told.get("replay"),
    }


def _facts(version: ModelVersion) -> list[tuple[str, str]]:
    told, origins = version.metrics, version.trained_on
    return [
        (_("Learnt from"), _("%(n)s examples") % {"n": origins.get("examples", "–")}),
        (_("Dataset"), str(origins.get("dataset", _("everything people said until then")))),
        (_("Judged by"), str(told.get("dataset") or _("what is held out"))),
        (_("Held-out examples"), str(told.get("held_out", "–"))),
        (_("Accuracy"), percent(told.get("accuracy"))),
        (_("Calibration error"), figure(told.get("calibration_error"))),
        (_("Log loss"), figure(told.get("log_loss"))),
        ("SHA-256", f"{version.sha256[:16]}…"),
    ]


def _prompt_facts(version: PromptVersion) -> list[tuple[str, str]]:
    told, author = version.metrics, version.made_by
    tokens = told.get("tokens", {})
    return [
        (_("Case type"), str(version.case_type)),
        (_("Composed by"), author.get_username() if author else "–"),
        (_("Settings"), ", ".join(f"{name} {value}" for name, value in version.settings.items()) or "–"),
        (_("Judged by"), str(told.get("dataset", "–"))),
        (_("Held-out examples"), str(told.get("held_out", "–"))),
        (_("Accuracy"), percent(told.get("accuracy"))),
        (_("Calibration error"), figure(told.get("calibration_error"))),
        (_("Log loss"), figure(told.get("log_loss"))),
        (_("Failed answers"), str(told.get("failed", "–"))),
        (_("Cost of judging (USD)"), figure(told.get("cost"))),
        (_("Tokens of judging"), f"{tokens.get('input', 0)} + {tokens.get('output', 0)}" if tokens else "–"),
    ]


def _labels(version: Version) -> list[dict[str, Any]]:
    return [
        {**row, "label": row["label"] or _("no valid answer")}
        | {"precision": percent(row["precision"]), "recall": percent(row["recall"])}
        for row in version.metrics.get("labels", [])
    ]


def _recurrence(told: dict[str, Any]) -> list[dict[str, Any]]:
    names = {"unseen": _("kept from both models"), "learnt": _("learnt from"), "asked": _("asked again")}
    found = told.get("recurrence", {})
    return [{"name": names[side], **found[side]} for side in names if side in found]


def _replayed(figures: dict[str, Any] | None) -> list[dict[str, Any]]:
    if not figures:
        return []
    names = {"automated": _("automated"), "escalated": _("to people"), "wrong": _("automated and known to be wrong")}
    return [{"name": names[name], "then": figures[f"{name}_then"], "now": figures[f"{name}_now"]} for name in REPLAYED]


def side_by_side(*versions: Version) -> list[dict[str, Any]]:
    """The figures of the cards, line by line; a figure that neither has is left out."""
    told = [{**version.metrics, "stood": _stood(version)} for version in versions]
    lines = [{"name": name, "values": [pick(one) for one in told]} for name, pick in _lines()]
    return [line for line in lines if any(value != NOTHING for value in line["values"])]


def _lines() -> list[tuple[str, Callable[[dict[str, Any]], str]]]:
    return [
        (_("Held-out examples"), lambda told: str(told.get("held_out", NOTHING))),
        (_("Judged by"), lambda told: str(told.get("dataset") or NOTHING)),
        (_("Accuracy"), lambda told: percent(told.get("accuracy"))),
        (_("Calibration error"), lambda told: figure(told.get("calibration_error"))),
        (_("Log loss"), lambda told: figure(told.get("log_loss"))),
        (_("Error in the surer half"), lambda told: percent(_error_at(told, 0.5))),
        (_("Old errors that come back, unseen"), lambda told: _recurring(told, "unseen")),
        (_("Old errors that come back, learnt from"), lambda told: _recurring(told, "learnt")),
        (_("Old errors that come back"), lambda told: _recurring(told, "asked")),
        (_("Last week: would be automated"), lambda told: str(told.get("replay", {}).get("automated_now", NOTHING))),
        (_("Last week: would go to people"), lambda told: str(told.get("replay", {}).get("escalated_now", NOTHING))),
        (_("In the shadow: said the same"), lambda told: _in_shadow(told, "same", "cases")),
        (_("In the shadow: right, where people decided"), lambda told: _in_shadow(told, "shadow_right", "known")),
        (_("In the shadow: at work right there"), lambda told: _in_shadow(told, "work_right", "known")),
        (_("Cost of judging (USD)"), lambda told: figure(told.get("cost"))),
    ]


def _stood(version: Version) -> dict[str, Any]:
    return agreement(version) if "shadow" in version.metrics else {}


def _in_shadow(told: dict[str, Any], part: str, whole: str) -> str:
    found = told["stood"]
    return _("%(part)s of %(whole)s") % {"part": found[part], "whole": found[whole]} if found else NOTHING


def labels_side_by_side(*versions: Version) -> list[dict[str, Any]]:
    tables = [{row["label"]: row for row in _labels(version)} for version in versions]
    names = sorted(set().union(*tables))
    return [{"label": name, "rows": [table.get(name) for table in tables]} for name in names]


def _error_at(told: dict[str, Any], coverage: float) -> float | None:
    return next((p["error"] for p in told.get("risk_coverage", []) if p["coverage"] == coverage), None)


def _recurring(told: dict[str, Any], side: str) -> str:
    rows = told.get("recurrence", {}).get(side)
    return _("%(wrong)s of %(n)s") % {"wrong": rows["wrong_after"], "n": rows["n"]} if rows else NOTHING


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value * 100:.1f} %"


def figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"
