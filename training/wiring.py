"""What training puts into the core's registries."""

from core import registries
from training.services.bases import starter_register


def wire() -> None:
    registries.first_start.append(starter_register)
