"""What the core's endpoints take and give, as serializers: the schema is made from them."""

from datetime import datetime

from rest_framework import serializers

from core.access import Access
from core.choices import JobState, Role
from core.models import Event, Job, Membership, Project
from core.selectors.forecasts import expected_starts
from core.selectors.jobs import job_position


class PersonOut(serializers.Serializer[object]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class ProjectOut(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = (
            "id",
            "slug",
            "name",
            "description",
            "language",
            "solo",
            "reviewers",
            "attribution",
            "is_demo",
            "created_at",
        )


class ProjectDetailOut(ProjectOut):
    """A project with what the caller may do in it."""

    role = serializers.SerializerMethodField()

    class Meta(ProjectOut.Meta):
        fields = (*ProjectOut.Meta.fields, "role")  # type: ignore[assignment]

    def get_role(self, project: Project) -> str:
        access: Access = self.context["access"]
        return access.role


class ProjectIn(serializers.Serializer[object]):
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=4000, allow_blank=True, required=False, default="")
    language = serializers.CharField(max_length=12, required=False, default="en")


class ProjectChange(serializers.Serializer[object]):
    """Only what is given is changed."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=4000, allow_blank=True, required=False)
    language = serializers.CharField(max_length=12, required=False)
    attribution = serializers.CharField(max_length=2000, allow_blank=True, required=False)
    solo = serializers.BooleanField(required=False)
    reviewers = serializers.IntegerField(min_value=1, max_value=2, required=False)


class MemberOut(serializers.ModelSerializer[Membership]):
    user = PersonOut(read_only=True)

    class Meta:
        model = Membership
        fields = ("user", "role", "created_at")


class MemberChange(serializers.Serializer[object]):
    role = serializers.ChoiceField(choices=Role.choices)


class JobOut(serializers.ModelSerializer[Job]):
    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    requested_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Job
        fields = (
            "id", "kind", "queue", "project", "subject", "state", "priority", "nights", "attempt", "progress_done",
            "progress_total", "message", "error", "result", "requested_by", "created_at", "started_at",
            "heartbeat_at", "ended_at",
        )  # fmt: skip


class JobDetailOut(JobOut):
    position = serializers.SerializerMethodField(help_text="Place in its queue, 1 is next; null when it does not wait.")
    starts_at = serializers.SerializerMethodField(help_text="When it is expected to start; null when it does not wait.")

    class Meta(JobOut.Meta):
        fields = (*JobOut.Meta.fields, "position", "starts_at")  # type: ignore[assignment]

    def get_position(self, job: Job) -> int | None:
        return job_position(job)

    def get_starts_at(self, job: Job) -> datetime | None:
        return expected_starts(job.queue).get(job.pk) if job.state == JobState.QUEUED else None


class JobStopIn(serializers.Serializer[object]):
    intent = serializers.ChoiceField(
        choices=["stop", "cancel"], default="cancel", help_text="“stop” keeps what was done so that it can go on later."
    )


class JobHoldIn(serializers.Serializer[object]):
    hold = serializers.BooleanField(default=True)


class JobMoveIn(serializers.Serializer[object]):
    to = serializers.ChoiceField(choices=["first", "up", "down", "last"])


class JobPlanIn(serializers.Serializer[object]):
    priority = serializers.IntegerField(min_value=-10, max_value=10, required=False, help_text="Higher starts first.")
    nights = serializers.BooleanField(required=False, help_text="Whether it may run only at night.")


class EventOut(serializers.ModelSerializer[Event]):
    project = serializers.SerializerMethodField()
    actor = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Event
        fields = ("id", "at", "actor", "project", "action", "object_type", "object_id", "summary", "data")

    def get_project(self, event: Event) -> str | None:
        """The slug; null once the project is gone, for the log outlives it."""
        return event.project.slug if event.project else None


class Refusal(serializers.Serializer[object]):
    """The body of every 400, 403 and 404."""

    detail = serializers.CharField()
