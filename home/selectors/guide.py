from django.utils.translation import gettext as _


def guide_steps() -> list[dict[str, str]]:
    """The loop in five steps and plain words."""
    return [
        {
            "icon": "edit",
            "title": _("Experts teach"),
            "text": _(
                "An expert writes pairs: a question as people really ask it, and the answer they would give. Checks "
                "point out misspellings, answers that are too long, and repetitions while one types."
            ),
        },
        {
            "icon": "review",
            "title": _("A second person reads"),
            "text": _(
                "A reviewer approves a pair or returns it with a reason. What was approved is frozen into a version "
                "that never changes. Four fifths of it teach; the rest is kept aside, so that it can test."
            ),
        },
        {
            "icon": "training",
            "title": _("The apprentice learns"),
            "text": _(
                "An owner chooses a preset. Before anything starts, the page shows what the model will read and what "
                "it will learn to say. The training runs on your own machine, and no text leaves it."
            ),
        },
        {
            "icon": "evaluation",
            "title": _("Base against finetuned"),
            "text": _(
                "The untaught model and the taught one answer the questions that were kept aside. Numbers say how "
                "much better it got, and how sure that is."
            ),
        },
        {
            "icon": "star",
            "title": _("People have the last word"),
            "text": _(
                "Graders judge answers without knowing which model gave them. What the model got wrong becomes the "
                "experts' next lesson, and the loop begins again."
            ),
        },
    ]
