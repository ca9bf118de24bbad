from django.urls import path

from training.api import bases, models, pretraining, runs, stages

urlpatterns = [
    path("base-models/", bases.BaseModels.as_view(), name="api-base-models"),
    path("base-models/<int:base>/", bases.base, name="api-base-model"),
    path("base-models/archive/", bases.archive, name="api-base-model-archive"),
    path("base-models/hub/", bases.hub, name="api-base-model-hub"),
    path("base-models/scratch/", pretraining.scratch, name="api-base-model-scratch"),
    path("completions/", stages.completions, name="api-completions"),
    path("next-tokens/", stages.next_tokens, name="api-next-tokens"),
    path("pretrainings/", pretraining.pretrainings, name="api-pretrainings"),
    path("pretrainings/<int:run>/", pretraining.pretraining, name="api-pretraining"),
    path("audits/", bases.Audits.as_view(), name="api-audits"),
    path("audits/<int:audit>/", bases.audit, name="api-audit"),
    path("embeddings/", bases.embeddings, name="api-embeddings"),
    path("runs/", runs.Runs.as_view(), name="api-runs"),
    path("runs/<int:run>/", runs.run, name="api-run"),
    path("runs/<int:run>/launch/", runs.launch, name="api-run-launch"),
    path("runs/<int:run>/exclude/", runs.exclude, name="api-run-exclude"),
    path("runs/<int:run>/send-back/", runs.send_back, name="api-run-send-back"),
    path("runs/<int:run>/probe/", runs.probe, name="api-run-probe"),
    path("runs/<int:run>/stop/", runs.stop, name="api-run-stop"),
    path("runs/<int:run>/finish/", runs.finish, name="api-run-finish"),
    path("runs/<int:run>/halve/", runs.halve, name="api-run-halve"),
    path("runs/<int:run>/recipe/", runs.recipe, name="api-run-recipe"),
    path("runs/<int:run>/cancel/", runs.cancel, name="api-run-cancel"),
    path("runs/<int:run>/resume/", runs.resume, name="api-run-resume"),
    path("runs/<int:run>/events/", runs.events, name="api-run-events"),
    path("model-versions/", models.ModelVersions.as_view(), name="api-model-versions"),
    path("model-versions/<int:version>/", models.model_version, name="api-model-version"),
    path("model-versions/<int:version>/chat/", models.chat, name="api-model-version-chat"),
]
