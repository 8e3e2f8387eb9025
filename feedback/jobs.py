"""RQ's entry points of the feedback app."""

from __future__ import annotations

import structlog

from cases.classifiers.text_training import NotEnoughExamples, TrainingFailed
from cases.errors import Conflict
from cases.models import CaseType
from feedback import fingerprints
from feedback.training import train as train_model

logger = structlog.get_logger(__name__)


def take_fingerprints() -> None:
    """Let what people have decided since be found by who reads something similar."""
    while fingerprints.take_fingerprints() == fingerprints.BATCH:
        pass


def train(case_type_key: str) -> None:
    """Train one case type's model; too little to learn from is news, not a failure."""
    case_type = CaseType.objects.get(key=case_type_key)
    try:
        version = train_model(case_type, actor="training", origin="worker")
    except (NotEnoughExamples, TrainingFailed, Conflict) as error:
        logger.warning("training_ended_without_a_model", case_type=case_type_key, why=str(error))
        return
    logger.info("model_trained", case_type=case_type_key, number=version.number, status=version.status)
