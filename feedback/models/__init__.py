"""What was wrong and what is learnt from it."""

from feedback.models.correction import Correction, OutcomeReport, Sample
from feedback.models.dataset import Dataset, DatasetItem
from feedback.models.learning import Fingerprint, LabelledExample, ModelVersion

__all__ = [
    "Correction",
    "Dataset",
    "DatasetItem",
    "Fingerprint",
    "LabelledExample",
    "ModelVersion",
    "OutcomeReport",
    "Sample",
]
