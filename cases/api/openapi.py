"""How the API describes itself: bearer tokens, names without collisions, problems, and objects where no shape is declared."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse

REFUSALS = {
    401: "No token, or one that is unknown, expired or revoked",
    403: "Seen, but not allowed",
    404: "Not there, or not yours to see",
    409: "Somebody was first, or what was shown has changed",
    422: "Not valid; errors names each field",
    503: "The database is away; try again after Retry-After seconds",
}


class BearerTokens(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library registers subclasses untyped
    target_class = "cases.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class Schema(AutoSchema):
    """The path names the operation: ``tasks/{id}/claim/`` becomes ``tasks_id_claim_post``."""

    def get_operation_id(self) -> str:
        parts = [part.strip("{}") for part in self.path.removeprefix("/api/v1").split("/") if part]
        return "_".join([*parts, self.method.lower()])

    def get_request_serializer(self) -> Any:
        return OpenApiTypes.OBJECT if self._undeclared() else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        done = OpenApiTypes.OBJECT if self._undeclared() else super().get_response_serializers()
        refused = {code: OpenApiResponse(OpenApiTypes.OBJECT, description=text) for code, text in REFUSALS.items()}
        return {200: done, **refused}

    def _undeclared(self) -> bool:
        return getattr(self.view, "serializer_class", None) is None
