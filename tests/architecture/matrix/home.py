"""The URLs of home."""

from tests.architecture.matrix.rows import Rows

HOME: Rows = {
    "index": ("GET", "login"),
    "guide": ("GET", "login"),
    "project-home": ("GET", "view"),
    "lineage": ("GET", "view"),
    "api-overview": ("GET", "view"),
    "api-lineage": ("GET", "view"),
}
