"""Names of base models, each there once."""

from training.models import BaseModel


def free_name(name: str) -> str:
    """The name, or the name with the first number that makes it one of its own."""
    tried, number = name[:120], 1
    while BaseModel.objects.filter(name=tried).exists():
        number += 1
        tried = f"{name[:110]} ({number})"
    return tried
