from core.models.events import Event
from core.models.jobs import Heartbeat, Job, JobLog
from core.models.people import ApiToken, Membership, OneTimeLink, Project, User
from core.models.talk import Comment, Notice, Thread
from core.models.tokenizers import Tokenizer
from core.models.webhooks import Delivery, Webhook
from core.models.work import Assignment, WorkItem

__all__ = [
    "ApiToken",
    "Assignment",
    "Comment",
    "Delivery",
    "Event",
    "Heartbeat",
    "Job",
    "JobLog",
    "Membership",
    "Notice",
    "OneTimeLink",
    "Project",
    "Thread",
    "Tokenizer",
    "User",
    "Webhook",
    "WorkItem",
]
