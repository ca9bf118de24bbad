from django.urls import path

from evaluation.views import evaluations, grading, holds, items, rubrics, votes

app_name = "evaluation"
urlpatterns = [
    path("evaluations/", evaluations.index, name="evaluation-list"),
    path("evaluations/new/", evaluations.new, name="evaluation-new"),
    path("evaluations/<int:evaluation>/", evaluations.detail, name="evaluation-detail"),
    path("evaluations/<int:evaluation>/live/", evaluations.live, name="evaluation-live"),
    path("evaluations/<int:evaluation>/cancel/", evaluations.cancel, name="evaluation-cancel"),
    path("evaluations/<int:evaluation>/retry/", evaluations.retry, name="evaluation-retry"),
    path("evaluations/<int:evaluation>/items/", items.index, name="item-list"),
    path("evaluations/<int:evaluation>/items/<int:item>/", items.detail, name="item-detail"),
    path("evaluations/<int:evaluation>/export/", items.export, name="evaluation-export"),
    path("evaluations/<int:evaluation>/grade/", grading.new, name="round-new"),
    path("grading/", grading.index, name="grading-list"),
    path("grading/rubric/", rubrics.edit, name="rubric-edit"),
    path("grading/release/", holds.release, name="grade-release"),
    path("grading/holds/<int:assignment>/", holds.hold, name="grade-hold"),
    path("grading/holds/<int:assignment>/ahead/", holds.ahead, name="grade-ahead"),
    path("grading/holds/<int:assignment>/renew/", holds.renew, name="grade-renew"),
    path("grading/<int:grading_round>/", grading.detail, name="round-detail"),
    path("grading/<int:grading_round>/submit/", grading.submit, name="grade-submit"),
    path("grading/<int:grading_round>/vote/", votes.submit, name="vote-submit"),
    path("grading/<int:grading_round>/skip/", grading.skip, name="grade-skip"),
    path("grading/<int:grading_round>/undo/", grading.undo, name="grade-undo"),
    path("grading/<int:grading_round>/close/", grading.close, name="round-close"),
]
