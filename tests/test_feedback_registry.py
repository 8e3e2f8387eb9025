"""What classifiers read from the registry of models."""

from __future__ import annotations

import pytest

from feedback.models import ModelVersion
from feedback.registry import active_model
from tests.factories import make_case_type

pytestmark = pytest.mark.django_db


def test_a_case_type_without_a_model_has_none_at_work() -> None:
    case_type = make_case_type()
    ModelVersion.objects.create(case_type=case_type, number=1, status="candidate", sha256="")
    assert active_model(case_type.key) is None
    assert active_model("no-such-type") is None
