from django.http import HttpRequest, JsonResponse


def exposition(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})
