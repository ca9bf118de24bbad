from rest_framework.pagination import CursorPagination


class Keyset(CursorPagination):
    """Newest first by id; no COUNT and no OFFSET."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 500
