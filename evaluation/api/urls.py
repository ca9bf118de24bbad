from django.urls import path

from evaluation.api import evaluations, grading

urlpatterns = [
    path("evaluations/", evaluations.Evaluations.as_view(), name="api-evaluations"),
    path("evaluations/<int:evaluation>/", evaluations.evaluation, name="api-evaluation"),
    path("evaluations/<int:evaluation>/cancel/", evaluations.cancel, name="api-evaluation-cancel"),
    path("evaluations/<int:evaluation>/retry/", evaluations.retry, name="api-evaluation-retry"),
    path("outputs/", evaluations.Outputs.as_view(), name="api-outputs"),
    path("rubrics/", grading.Rubrics.as_view(), name="api-rubrics"),
    path("grading-rounds/", grading.Rounds.as_view(), name="api-grading-rounds"),
    path("grading-rounds/<int:grading_round>/close/", grading.close, name="api-grading-round-close"),
    path("grading-rounds/<int:grading_round>/claim/", grading.claim, name="api-grading-round-claim"),
    path("grades/", grading.Grades.as_view(), name="api-grades"),
    path("votes/", grading.Votes.as_view(), name="api-votes"),
]
