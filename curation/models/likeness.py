from django.db import models
from django.db.models import Q

from curation.choices import LikeKind
from curation.models.pairs import Pair, Revision
from curation.models.tasks import Task


class Likeness(models.Model):
    """What is kept of the texts of a revision, so that it is compared with others without reading them again.

    The numbers are hashes of texts without case, punctuation and blanks (`ml.split.comparable`); 0 stands for a text
    that makes nothing alike: a blank one, or too short an answer. The sketches are those of `ml.near_duplicates`,
    by words and, of short texts, by letters; none where a text is not compared so. The grams are those of
    `ml.containment`.
    """

    revision = models.OneToOneField(Revision, models.CASCADE, primary_key=True, related_name="likeness")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    instruction = models.BigIntegerField()
    input = models.BigIntegerField()
    whole = models.BigIntegerField()  # instruction and input as one text
    # What is compared as the question: the whole, or the input alone where many inputs share the instruction.
    prompt = models.BigIntegerField()
    response = models.BigIntegerField()
    prompt_sketch = models.BinaryField(default=b"")
    response_sketch = models.BinaryField(default=b"")
    prompt_letters = models.BinaryField(default=b"")
    response_letters = models.BinaryField(default=b"")
    prompt_grams = models.BinaryField(default=b"", db_default=b"")
    response_grams = models.BinaryField(default=b"", db_default=b"")
    sketched = models.BooleanField(default=False)
    compared = models.BooleanField(default=False)  # with everything that was sketched before
    suites_upto = models.BigIntegerField(default=0)  # the newest suite in whose items leaks were looked for

    class Meta:
        indexes = (
            models.Index(fields=("task", "prompt"), name="likeness_by_prompt"),
            models.Index(fields=("task", "response"), condition=~Q(response=0), name="likeness_by_response"),
            models.Index(fields=("task", "revision"), condition=Q(compared=False), name="likeness_open"),
        )

    def __str__(self) -> str:
        return f"likeness of {self.revision_id}"


class NearText(models.Model):
    """Two texts of a task that say nearly the same, by the hashes that stand in `Likeness`."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=LikeKind.choices)
    one = models.BigIntegerField()  # the smaller of the two
    other = models.BigIntegerField()
    similarity = models.FloatField()  # Jaccard, as `ml.near_duplicates` has it

    class Meta:
        constraints = (models.UniqueConstraint(fields=("task", "kind", "one", "other"), name="one_likeness_of_texts"),)
        indexes = (models.Index(fields=("task", "kind", "other"), name="near_text_by_other"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.one} {self.other}"


class ContainedText(models.Model):
    """A text of a task that stands inside another one, by the hashes that stand in `Likeness`."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=LikeKind.choices)
    inner = models.BigIntegerField()
    outer_kind = models.CharField(max_length=8, choices=LikeKind.choices)
    outer = models.BigIntegerField()
    share = models.FloatField()  # of the inner one's grams, as `ml.containment` has it

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("task", "kind", "inner", "outer_kind", "outer"), name="one_containment"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.inner} in {self.outer_kind} {self.outer}"


class NearMeaning(models.Model):
    """Two revisions of a task that say the same in other words."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    one = models.BigIntegerField()  # the smaller of the two
    other = models.BigIntegerField()
    similarity = models.FloatField()  # cosine of their vectors

    class Meta:
        constraints = (models.UniqueConstraint(fields=("task", "one", "other"), name="one_likeness_of_meanings"),)

    def __str__(self) -> str:
        return f"{self.one} means {self.other}"


class LikenessBasis(models.Model):
    """What the sketches of a task rest on: the shingles and grams that too many of its texts had when they were made.

    When the task has grown by half, they are found anew and everything is compared again (services/likeness.py).
    """

    task = models.OneToOneField(Task, models.CASCADE, primary_key=True, related_name="+")
    edition = models.PositiveSmallIntegerField()
    revisions = models.PositiveIntegerField()
    prompt_common = models.BinaryField(default=b"")
    response_common = models.BinaryField(default=b"")
    prompt_common_letters = models.BinaryField(default=b"")
    response_common_letters = models.BinaryField(default=b"")
    common_grams = models.BinaryField(default=b"", db_default=b"")
    meanings = models.PositiveIntegerField(
        default=0, db_default=0
    )  # vectors there were when they were last all compared
    made_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"likeness of {self.task_id}"


class Place(models.Model):
    """Where a pair stands in the split, drawn at its first freeze and kept: its group's place in [0, 1) (ml/split.py).

    `pinned` overrides the place: "train" for the group of a test item that was spent.
    """

    pair = models.OneToOneField(Pair, models.CASCADE, primary_key=True, related_name="place")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    group = models.CharField(max_length=64)
    position = models.FloatField()
    pinned = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = (models.Index(fields=("task", "group"), name="place_by_group"),)

    def __str__(self) -> str:
        return f"#{self.pair_id} {self.group}"
