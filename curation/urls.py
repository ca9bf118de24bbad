"""Pages of curation, below /p/<project>/."""

from django.urls import URLPattern, path

from curation.views import imports, pairs, review, tasks, versions, words, write

app_name = "curation"
urlpatterns: list[URLPattern] = [
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/new/", tasks.task_new, name="task-new"),
    path("tasks/template-preview/", tasks.preview, name="template-preview"),
    path("tasks/<slug:task>/", tasks.task_detail, name="task-detail"),
    path("tasks/<slug:task>/edit/", tasks.task_edit, name="task-edit"),
    path("tasks/<slug:task>/guidelines/", tasks.guidelines, name="guidelines"),
    path("tasks/<slug:task>/write/", write.pair_new, name="pair-new"),
    path("tasks/<slug:task>/drafts/<slug:key>/", write.draft, name="draft"),
    path("tasks/<slug:task>/drafts/<slug:key>/discard/", write.draft_discard, name="draft-drop"),
    path("tasks/<slug:task>/freeze/", versions.freeze, name="freeze"),
    path("tasks/<slug:task>/import/", imports.upload, name="import-new"),
    path("write/", write.write, name="write"),
    path("suggestions/", words.suggestions, name="suggestions"),
    path("glossary/", words.glossary, name="glossary"),
    path("glossary/<int:word>/remove/", words.glossary_drop, name="glossary-remove"),
    path("findings/dismiss/", words.dismiss, name="finding-dismiss"),
    path("pairs/", pairs.pairs, name="pairs"),
    path("pairs/<int:pair>/", pairs.pair_detail, name="pair-detail"),
    path("pairs/<int:pair>/edit/", write.pair_edit, name="pair-edit"),
    path("pairs/<int:pair>/trash/", pairs.trash, name="pair-trash"),
    path("pairs/<int:pair>/restore/", pairs.restore, name="pair-restore"),
    path("pairs/<int:pair>/dismiss/", words.pair_dismiss, name="pair-dismiss"),
    path("pairs/<int:pair>/review/", review.review_claim, name="review-claim"),
    path("review/", review.reviews, name="reviews"),
    path("review/next/", review.review_start, name="review-next"),
    path("review/<int:assignment>/", review.review, name="review"),
    path("review/<int:assignment>/approve/", review.review_approve, name="review-approve"),
    path("review/<int:assignment>/return/", review.review_return, name="review-return"),
    path("review/<int:assignment>/mend/", review.review_mend, name="review-mend"),
    path("review/<int:assignment>/skip/", review.review_skip, name="review-skip"),
    path("review/<int:assignment>/renew/", review.review_renew, name="review-renew"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:batch>/", imports.import_detail, name="import-detail"),
    path("imports/<int:batch>/start/", imports.start, name="import-start"),
    path("imports/<int:batch>/problems.csv", imports.problems, name="import-problems"),
    path("imports/<int:batch>/discard/", imports.discard, name="import-discard"),
    path("versions/", versions.versions, name="versions"),
    path("versions/<int:version>/", versions.version_detail, name="version-detail"),
    path("versions/<int:version>/verify/", versions.verify, name="version-verify"),
    path("versions/<int:version>/export/<slug:format>.jsonl", versions.export, name="version-export"),
]
