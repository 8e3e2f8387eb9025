"""Last week once more: what a version would have done with the cases that came in, under the policy in force now.

The version's judged twin answers, which knows less than the version itself. A case from which it may have learnt is counted in what
would have been automated or escalated, and not in what would have been right or wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from cases import schemas
from cases.audit import Actor, journal
from cases.classifiers.text_model import Guess, TextModel
from cases.classifiers.texts import text_of
from cases.models import Case, CaseType, Prediction
from feedback.examples import Example
from feedback.models import ModelVersion, OutcomeReport, Sample
from feedback.runs import Tell
from feedback.training import twin_of
from review import coin
from review.models import Decision
from review.policies import in_force
from review.route import fast_tracks, finding_of, view_of
from review.routing import PolicyView, choose_route

DAYS = 7
MOST_CASES = 5_000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Known:
    """The right label of a case, and whether a model may have been trained on it."""

    label: str
    learnable: bool


def replay(version: ModelVersion, *, actor: Actor, origin: str, tell: Tell) -> dict[str, Any]:
    """Put last week's cases (the newest 5,000 at most) to a version and keep on its card what would have changed.

    Raises: TrainingFailed when its file cannot be read.
    """
    case_type, twin = version.case_type, twin_of(version)
    view = view_of(in_force([case_type])[case_type.pk], fast=fast_tracks())
    ids = list(_last_week(case_type).values_list("pk", flat=True)[:MOST_CASES])
    counts: Counter[str] = Counter(cases=len(ids))
    for start in range(0, len(ids), CHUNK):
        cases = list(Case.objects.filter(pk__in=ids[start : start + CHUNK]).order_by("pk"))
        counts += _counted(cases, twin, view, case_type=case_type)
        tell(min(0.95, (start + len(cases)) / len(ids)), "")
    figures = {**{name: counts[name] for name in FIGURES}, "days": DAYS, "at": timezone.now().isoformat()}
    _keep(version, figures, actor=actor, origin=origin)
    return figures


FIGURES = (
    *("cases", "automated_then", "automated_now", "escalated_then", "escalated_now", "another_label"),
    *("newly_automated", "newly_escalated", "known", "wrong_then", "wrong_now"),
)


def _last_week(case_type: CaseType) -> QuerySet[Case]:
    since = timezone.now() - timedelta(days=DAYS)
    return Case.objects.filter(case_type=case_type, routed_at__gte=since).order_by("-routed_at", "-pk")


def _counted(cases: Sequence[Case], twin: TextModel, view: PolicyView, *, case_type: CaseType) -> Counter[str]:
    allowed = set(schemas.labels_of(case_type.output_schema)) or None
    texts = [text_of(case.payload)[0] for case in cases]
    guesses = twin.predict(texts, allowed=allowed, evidence=False)
    truths = known_answers(cases)
    counts: Counter[str] = Counter()
    for case, text, guess in zip(cases, texts, guesses, strict=True):
        counts.update(_changes(case, text, guess, view, truths.get(case.pk)))
    return counts


def _changes(case: Case, text: str, guess: Guess, view: PolicyView, known: Known | None) -> Iterator[str]:
    """The names of what a case adds one to."""
    said = Prediction(output={"label": guess.label}, label=guess.label, confidence=guess.confidence)
    said.out_of_scope = guess.out_of_scope
    now, then = choose_route(view, finding_of(case, said), coin.draw(case.pk)).automatic, not case.reason
    yield "automated_now" if now else "escalated_now"
    yield "automated_then" if then else "escalated_then"
    if guess.label != case.label:
        yield "another_label"
    if now != then:
        yield "newly_automated" if now else "newly_escalated"
    if known is None or (known.learnable and not _held_out(case, text)):
        return
    yield "known"
    if now and guess.label != known.label:
        yield "wrong_now"
    if then and case.label != known.label:
        yield "wrong_then"


def _held_out(case: Case, text: str) -> bool:
    return Example(text="", output={}, label="", group=case.requester or text, origin="decision").held_out


def known_answers(cases: Sequence[Case]) -> Mapping[int, Known]:
    """What is known of some cases: by people's decisions, above them samples, above them reports from downstream."""
    ids = [case.pk for case in cases]
    sampled = {case.pk for case in cases if case.sampled}
    found: dict[int, Known] = {}
    decided = Decision.objects.by_people().filter(case__in=ids, held=False, output__isnull=False).order_by("pk")
    for case_id, label in decided.values_list("case_id", "label"):
        found[case_id] = Known(label, learnable=case_id not in sampled)
    for sample in Sample.objects.filter(case__in=ids).only("case_id", "final_answer", "released_at").order_by("pk"):
        found[sample.case_id] = Known(schemas.label_of(sample.final_answer), sample.released_at is not None)
    reports = OutcomeReport.objects.filter(case__in=ids).select_related("decision").order_by("pk")
    for report in reports:
        right = report.decision.output if report.correct else report.output
        if right:
            found[report.case_id] = Known(schemas.label_of(right), learnable=report.case_id not in sampled)
    return {case_id: known for case_id, known in found.items() if known.label}


def _keep(version: ModelVersion, figures: dict[str, Any], *, actor: Actor, origin: str) -> None:
    with journal(actor=actor, origin=origin) as log:
        present = ModelVersion.objects.select_for_update().get(pk=version.pk)
        present.metrics = {**present.metrics, "replay": figures}
        present.save(update_fields=["metrics"])
        log("model.replayed", subject=present, data={"number": present.number, **figures})
