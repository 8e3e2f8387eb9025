"""RQ's entry points of the feedback app."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.utils.translation import gettext as _

from cases.classifiers.base import ClassifierError
from cases.classifiers.text_model import ModelFileError
from cases.classifiers.text_training import NotEnoughExamples, TrainingFailed
from cases.errors import Conflict, Refused
from cases.models import CaseType
from feedback import (
    fingerprints,
    plantings,
    prompt_rules,
    prompt_trials,
    refreshers,
    rounds,
    runs,
    schedule,
    second_reads,
    shadow,
)
from feedback.models import ModelVersion, PromptVersion, Run
from feedback.replay import replay
from feedback.training import judge_again
from feedback.training import train as train_model

logger = structlog.get_logger(__name__)
ORIGIN = "worker"
Work = Callable[[Run, runs.Tell], str]


def take_fingerprints() -> None:
    """Let what people have decided since be found by who reads something similar."""
    while fingerprints.take_fingerprints() == fingerprints.BATCH:
        pass


def read_again() -> None:
    """Draw second reads among the new decisions, and open those that can be read now."""
    while second_reads.draw() == second_reads.BATCH:
        pass
    while second_reads.open_tasks() == second_reads.BATCH:
        pass


def plant() -> None:
    """Put known cases among the others as the policies ask for, and take back what nobody read."""
    plantings.take_back_unread()
    plantings.plant_due()
    refreshers.go_on_with_all()


def train(case_type_key: str) -> None:
    """Train one case type's model; too little to learn from is news, not a failure."""
    case_type = CaseType.objects.get(key=case_type_key)
    try:
        version = train_model(case_type, actor="training", origin=ORIGIN)
    except (NotEnoughExamples, TrainingFailed, Refused) as error:
        logger.warning("training_ended_without_a_model", case_type=case_type_key, why=str(error))
        return
    logger.info("model_trained", case_type=case_type_key, number=version.number, status=version.status)


def carry_out(run_id: int) -> None:
    """Do what a run asks for. Whatever goes wrong ends in its message; the models at work stay as they are."""
    run = runs.begin(run_id)
    if run is None:
        return
    try:
        message = _work_of(run)(run, lambda share, text: runs.progress(run, share, text))
        runs.finish(run, message)
    except runs.RunLost as lost:
        logger.warning("run_lost", run=run.pk, why=str(lost))
    except (NotEnoughExamples, TrainingFailed, Refused) as error:
        runs.fail(run, str(error))
    except Exception:
        runs.fail(run, _("It failed for a reason nobody foresaw; the log of the worker tells more."))
        raise


def _work_of(run: Run) -> Work:
    return WORK[(run.kind, "prompt" if run.prompt_id else "model")]


def _train(run: Run, tell: runs.Tell) -> str:
    run.model = train_model(run.case_type, actor=run.started_by, origin=ORIGIN, dataset=run.dataset, tell=tell)
    return str(run.model.metrics["comparison"]["why"])


def _evaluate(run: Run, tell: runs.Tell) -> str:
    tell(0.2, _("Judging it"))
    return judge_again(_model_of(run), actor=run.started_by, origin=ORIGIN, dataset=run.dataset).why


def _replay(run: Run, tell: runs.Tell) -> str:
    figures = replay(_model_of(run), actor=run.started_by, origin=ORIGIN, tell=tell)
    return _("%(cases)s cases of last week") % figures


def _evaluate_prompt(run: Run, tell: runs.Tell) -> str:
    version, dataset = _prompt_of(run), run.dataset
    if dataset is None:
        raise Conflict(_("Name the dataset to judge it by."))
    comparison = prompt_trials.evaluate(version, dataset, actor=run.started_by, origin=ORIGIN, tell=tell)
    if prompt_rules.decide(version, comparison, dataset, origin=ORIGIN):
        return _("Put to work by rule: %(why)s") % {"why": comparison.why}
    return comparison.why


def _replay_prompt(run: Run, tell: runs.Tell) -> str:
    figures = prompt_trials.replay(_prompt_of(run), actor=run.started_by, origin=ORIGIN, tell=tell)
    return _("%(cases)s cases of last week") % figures


def _prompt_of(run: Run) -> PromptVersion:
    return PromptVersion.objects.select_related("case_type", "dataset").get(runs=run.pk)


def _model_of(run: Run) -> ModelVersion:
    if run.model is None:
        raise TrainingFailed("the run names no version")
    return run.model


WORK: dict[tuple[str, str], Work] = {
    (Run.Kind.TRAIN, "model"): _train,
    (Run.Kind.EVALUATE, "model"): _evaluate,
    (Run.Kind.REPLAY, "model"): _replay,
    (Run.Kind.EVALUATE, "prompt"): _evaluate_prompt,
    (Run.Kind.REPLAY, "prompt"): _replay_prompt,
}


def look_after_runs() -> None:
    """Fail the runs that a dead worker left behind, and ring again for those that wait."""
    runs.look_after()


def train_what_is_due() -> None:
    """Training by the clock, and the evaluation of the prompts that wait for the rule."""
    schedule.train_what_is_due()
    prompt_rules.judge_what_is_due()


def follow_in_the_shadow() -> None:
    """Let the versions in the shadow answer what was classified since: models all of it, prompts a batch at each look."""
    for version in ModelVersion.objects.filter(status=ModelVersion.Status.SHADOW).select_related("case_type"):
        while _followed(version) == shadow.BATCH:
            pass
    rows = PromptVersion.objects.filter(status=PromptVersion.Status.SHADOW)
    for prompt in rows.select_related("case_type", "dataset"):
        _followed(prompt)


def _followed(version: shadow.Version) -> int:
    """One that cannot answer stops no other."""
    try:
        return shadow.follow(version)
    except (ClassifierError, ModelFileError, Conflict) as error:
        logger.warning("shadow_cannot_answer", version=str(version), error=str(error))
        return 0


def open_rounds() -> None:
    """Go on with the daily and weekly rounds of samples whose time is over."""
    rounds.open_due()
