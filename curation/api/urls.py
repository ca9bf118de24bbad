from django.urls import URLPattern, path

from curation.api import imports, pairs, tasks, versions, work

urlpatterns: list[URLPattern] = [
    path("tasks/", tasks.Tasks.as_view(), name="api-tasks"),
    path("tasks/<int:task>/", tasks.TaskView.as_view(), name="api-task"),
    path("pairs/", pairs.Pairs.as_view(), name="api-pairs"),
    path("pairs/<int:pair>/", pairs.pair, name="api-pair"),
    path("pairs/<int:pair>/revisions/", pairs.Revisions.as_view(), name="api-revisions"),
    path("pairs/<int:pair>/review/", pairs.review, name="api-pair-review"),
    path("pairs/<int:pair>/trash/", pairs.trash, name="api-pair-trash"),
    path("pairs/<int:pair>/restore/", pairs.restore, name="api-pair-restore"),
    path("imports/", imports.Imports.as_view(), name="api-imports"),
    path("imports/<int:batch>/", imports.import_one, name="api-import"),
    path("imports/<int:batch>/start/", imports.start, name="api-import-start"),
    path("imports/<int:batch>/problems/", imports.Problems.as_view(), name="api-import-problems"),
    path("exports/", versions.export, name="api-exports"),
    path("work-items/", work.WorkItems.as_view(), name="api-work-items"),
    path("work-items/claim/", work.claim, name="api-work-claim"),
    path("work-items/<int:assignment>/renew/", work.renew, name="api-work-renew"),
    path("work-items/<int:assignment>/submit/", work.submit, name="api-work-submit"),
    path("work-items/<int:assignment>/skip/", work.skip, name="api-work-skip"),
    path("work-items/<int:assignment>/release/", work.release, name="api-work-release"),
    path("dataset-versions/", versions.Versions.as_view(), name="api-versions"),
    path("dataset-versions/<int:version>/", versions.version, name="api-version"),
    path("dataset-versions/<int:version>/rows/", versions.Rows.as_view(), name="api-version-rows"),
    path("dataset-versions/<int:version>/verify/", versions.verify, name="api-version-verify"),
    path("suites/", versions.Suites.as_view(), name="api-suites"),
    path("suites/<int:suite>/", versions.suite, name="api-suite"),
    path("suites/<int:suite>/items/", versions.SuiteItems.as_view(), name="api-suite-items"),
]
