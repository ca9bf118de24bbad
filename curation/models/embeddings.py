"""What pairs mean, as vectors, in pgvector's own type."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q

from curation.models.pairs import Pair
from curation.models.tasks import Task

DIMENSIONS = 384


class VectorField(models.Field):
    """A list of DIMENSIONS numbers. Comparing is left to queries that speak pgvector."""

    def db_type(self, connection: Any) -> str:
        return f"vector({DIMENSIONS})"

    def get_prep_value(self, value: Sequence[float] | None) -> str | None:
        return None if value is None else "[" + ",".join(f"{number:.7g}" for number in value) + "]"

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> list[float] | None:
        return None if value is None else [float(number) for number in value.strip("[]").split(",")]


class Embedding(models.Model):
    """The meaning of a pair's newest revision when it was embedded."""

    pair = models.OneToOneField(Pair, models.CASCADE, primary_key=True, related_name="+")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    revision_id = models.BigIntegerField()
    vector = VectorField()
    compared = models.BooleanField(default=False, db_default=False)  # with all vectors that were compared before
    suites_upto = models.BigIntegerField(default=0, db_default=0)  # newest suite whose items it was compared with

    class Meta:
        indexes = (models.Index(fields=("task", "pair"), condition=Q(compared=False), name="meaning_open"),)

    def __str__(self) -> str:
        return f"meaning of {self.pair_id}"
