"""What pairs mean, as vectors, in pgvector's own type."""

from collections.abc import Sequence
from typing import Any

from django.db import models

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
    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    revision_id = models.BigIntegerField()
    vector = VectorField()

    class Meta:
        indexes = (models.Index(fields=("task", "pair", "revision_id"), name="meaning_by_pair"),)

    def __str__(self) -> str:
        return f"meaning of {self.pair_id}"


class EmbeddingLook(models.Model):
    """With what the meaning of a pair was compared, as long as the revision is that of the embedding. A row of its own:
    whoever changes an embedding's row writes the vector anew, and enters it anew in the graph of the nearest."""

    embedding = models.OneToOneField(Embedding, models.CASCADE, primary_key=True, related_name="+")
    revision_id = models.BigIntegerField()
    compared = models.BooleanField()  # with all vectors that were compared before
    suites_upto = models.BigIntegerField()  # newest suite whose items it was compared with

    def __str__(self) -> str:
        return f"look at the {self.embedding}"
