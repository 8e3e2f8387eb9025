"""The API's own description."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.factories import make_user


@pytest.mark.django_db
def test_the_schema_describes_every_call_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    client = APIClient()
    client.force_authenticate(make_user("integration"))
    schema = client.get("/api/v1/schema/?format=json").json()
    assert schema["openapi"].startswith("3.1")
    assert {"/api/v1/cases/", "/api/v1/tasks/claim/", "/api/v1/decisions/", "/api/v1/metrics/"} <= set(schema["paths"])
    operations = [call["operationId"] for path in schema["paths"].values() for call in path.values()]
    assert len(operations) == len(set(operations))
    assert capsys.readouterr().err == ""
