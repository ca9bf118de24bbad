from django.urls import path

from core.api import events, inbox, jobs, members, people, projects, webhooks

urlpatterns = [
    path("projects/", projects.Projects.as_view(), name="api-projects"),
    path("projects/<slug:project>/", projects.ProjectView.as_view(), name="api-project"),
    path("projects/<slug:project>/members/", members.Members.as_view(), name="api-members"),
    path("projects/<slug:project>/members/<int:user>/", members.MemberView.as_view(), name="api-member"),
    path("projects/<slug:project>/invitations/", members.MemberInvitations.as_view(), name="api-project-invitations"),
    path("projects/<slug:project>/invitations/<int:invitation>/", members.invitation, name="api-project-invitation"),
    path("me/", people.Me.as_view(), name="api-me"),
    path("people/", people.People.as_view(), name="api-people"),
    path("people/invitations/", people.Invitations.as_view(), name="api-invitations"),
    path("people/invitations/<int:invitation>/", people.invitation, name="api-invitation"),
    path("people/<int:user>/deactivate/", people.deactivate, name="api-person-deactivate"),
    path("people/<int:user>/reactivate/", people.reactivate, name="api-person-reactivate"),
    path("people/<int:user>/admin/", people.admin, name="api-person-admin"),
    path("people/<int:user>/reset-link/", people.reset_link, name="api-person-reset-link"),
    path(
        "people/<int:user>/second-factor/remove/", people.second_factor_removal, name="api-person-second-factor-remove"
    ),
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
