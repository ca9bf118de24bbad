from django.urls import path

from training.views import launch, models, pretraining, runs, stages

app_name = "training"
urlpatterns = [
    path("training/", runs.index, name="run-list"),
    path("training/new/", launch.new, name="run-new"),
    path("training/pretrain/", pretraining.new, name="pretrain-new"),
    path("training/<int:run>/", runs.detail, name="run-detail"),
    path("training/<int:run>/live/", runs.live, name="run-live"),
    path("training/<int:run>/edit/", launch.edit, name="run-edit"),
    path("training/<int:run>/check/", launch.check, name="run-check"),
    path("training/<int:run>/check/live/", launch.check_live, name="run-check-live"),
    path("training/<int:run>/check/<slug:code>/", launch.check_rows, name="run-check-rows"),
    path("training/<int:run>/launch/", launch.launch, name="run-launch"),
    path("training/<int:run>/discard/", launch.discard, name="run-discard"),
    path("training/<int:run>/stop/", runs.stop, name="run-stop"),
    path("training/<int:run>/cancel/", runs.cancel, name="run-cancel"),
    path("training/<int:run>/resume/", runs.resume, name="run-resume"),
    path("models/", models.index, name="model-list"),
    path("models/stages/", stages.stages, name="stages"),
    path("models/stages/answer/", stages.answer, name="stage-answer"),
    path("models/stages/tokens/", stages.tokens, name="stage-tokens"),
    path("models/<int:version>/", models.detail, name="model-detail"),
    path("models/<int:version>/chat/", models.chat, name="model-chat"),
    path("models/bases/new/", models.base_new, name="base-new"),
    path("models/bases/<int:base>/", models.base, name="base-detail"),
    path("models/bases/<int:base>/live/", models.base_live, name="base-live"),
]
