from rest_framework.pagination import CursorPagination


class KeyPagination(CursorPagination):
    """Pages by key: the hundred-thousandth page costs what the first one does."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-id"
