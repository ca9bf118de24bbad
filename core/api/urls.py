from django.urls import path

from core.api import events, inbox, jobs, projects, webhooks

urlpatterns = [
    path("projects/", projects.Projects.as_view(), name="api-projects"),
    path("projects/<slug:project>/", projects.ProjectView.as_view(), name="api-project"),
    path("projects/<slug:project>/members/", projects.Members.as_view(), name="api-members"),
    path("projects/<slug:project>/members/<int:user>/", projects.MemberView.as_view(), name="api-member"),
    path("jobs/", jobs.Jobs.as_view(), name="api-jobs"),
    path("jobs/<int:job>/", jobs.job, name="api-job"),
    path("jobs/<int:job>/stop/", jobs.stop, name="api-job-stop"),
    path("jobs/<int:job>/hold/", jobs.hold, name="api-job-hold"),
    path("jobs/<int:job>/move/", jobs.move, name="api-job-move"),
    path("jobs/<int:job>/plan/", jobs.plan, name="api-job-plan"),
    path("jobs/<int:job>/retry/", jobs.retry, name="api-job-retry"),
    path("webhooks/", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<int:webhook>/", webhooks.WebhookView.as_view(), name="api-webhook"),
    path("webhooks/<int:webhook>/deliveries/", webhooks.Deliveries.as_view(), name="api-deliveries"),
    path("webhooks/deliveries/<int:delivery>/resend/", webhooks.resend, name="api-delivery-resend"),
    path("inbox/", inbox.Inbox.as_view(), name="api-inbox"),
    path("inbox/read/", inbox.read, name="api-inbox-read"),
    path("comments/<int:comment>/", inbox.comment, name="api-comment"),
    path("events/", events.Events.as_view(), name="api-events"),
]
