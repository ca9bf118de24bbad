"""What a run learns, in words: all of a version or corpus, or the share of the train part that was chosen."""

from django.utils.translation import gettext as _

from training.models import Run


def share_told(run: Run) -> str:
    """Such as “25 % of the train part, by seed 3”; empty for a run that learns all of it."""
    if not run.subset:
        return ""
    values = {"share": f"{run.subset['share'] * 100:.10g}", "seed": run.subset["seed"]}
    return _("%(share)s %% of the train part, by seed %(seed)d") % values


def material_told(run: Run) -> str:
    share = share_told(run)
    return f"{run.material} ({share})" if share else str(run.material)
