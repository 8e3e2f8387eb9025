"""What was wrong and what is learnt from it."""

from feedback.models.correction import Correction, OutcomeReport, Sample
from feedback.models.dataset import Dataset, DatasetItem
from feedback.models.learning import Fingerprint, LabelledExample, ModelVersion
from feedback.models.prompts import PromptVersion, Run, ShadowPrediction
from feedback.models.quality import Draw, Flag, GoldCase, Planting, Refresher, Round, SecondRead, SecondReadCursor

__all__ = [
    "Correction",
    "Dataset",
    "DatasetItem",
    "Draw",
    "Fingerprint",
    "Flag",
    "GoldCase",
    "LabelledExample",
    "ModelVersion",
    "OutcomeReport",
    "Planting",
    "PromptVersion",
    "Refresher",
    "Round",
    "Run",
    "Sample",
    "SecondRead",
    "SecondReadCursor",
    "ShadowPrediction",
]
