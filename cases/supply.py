"""An outside model answers a case that is waiting for it, or answers anew while a person has not decided yet."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases import bells, hooks, schemas
from cases.access import demand
from cases.audit import journal
from cases.clock import from_now
from cases.envelope import PredictionIn, check_evidence
from cases.errors import Conflict, Invalid
from cases.ingest import prediction_errors, store_predictions
from cases.models import Case, Prediction
from cases.models.choices import State


def supply(case: Case, given: PredictionIn, *, user: User, origin: str) -> tuple[Prediction, bool]:
    """Store a prediction and tell whether it is new; the same one again is recognised.

    A case still in the pipeline takes it as its answer at once. One that is in review keeps the earlier ones beside it, and
    whoever was shown those is told so when they decide.

    Raises: Forbidden, Missing, Invalid with the JSON path, Conflict where no answer is waited for any more.
    """
    demand(user, "cases.predict_case", case, see="cases.view_case")
    if errors := prediction_errors(given, case.case_type, path="output"):
        raise Invalid(_("The prediction does not fit the case type; see errors."), errors=errors)
    check_evidence(given, facts={"payload": case.payload, "context": case.context}, path="evidence")
    with journal(actor=user, origin=origin) as log:
        state = _lock(case)
        newest = Prediction.objects.filter(case=case).order_by("-id").first()
        if newest is not None and _same(newest, given):
            return newest, False
        _accept(case, given, state=state)
        store_predictions({case.pk: given})
        made = Prediction.objects.filter(case=case).latest("id")
        told = {
            "label": made.label,
            "confidence": made.confidence,
            "model": made.model,
            "model_version": made.model_version,
        }
        log("case.predicted", case_id=case.pk, subject=made, data=told)
    return made, True


def _lock(case: Case) -> str:
    return str(Case.objects.select_for_update().values_list("state", flat=True).get(pk=case.pk))


def _accept(case: Case, given: PredictionIn, *, state: str) -> None:
    if state == State.RECEIVED:
        # A worker that is asking the case type's own classifier just now loses its lease, and with it its answer.
        Case.objects.filter(pk=case.pk).update(lease_until=from_now(seconds=0), lease_token="")
        bells.ring(State.RECEIVED)
    elif state == State.IN_REVIEW:
        label = schemas.label_of(given.output)[:200]
        Case.objects.filter(pk=case.pk).update(label=label, confidence=given.confidence)
        hooks.call("case_relabelled", case_id=case.pk, label=label)
    else:
        raise Conflict(_("The case is %(state)s; no prediction is waited for.") % {"state": State(state).label})


def _same(newest: Prediction, given: PredictionIn) -> bool:
    old = (newest.output, newest.confidence, newest.fields, newest.rationale, newest.model, newest.model_version)
    new = (given.output, given.confidence, given.fields or {}, given.rationale, given.model, given.model_version)
    return old == new
