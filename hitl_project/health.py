"""Is it up, is it ready, and how is it doing: for load balancers and Prometheus."""

from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "up"})


def readyz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ready"})


def prometheus(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})
