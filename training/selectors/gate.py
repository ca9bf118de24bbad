"""Whether a run may start: every reason why not, each with its cure."""

from pathlib import Path

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.denied import Denied
from core.registries import refusals
from core.sentences import explained
from curation.choices import CorpusState, VersionState
from curation.models import Corpus
from curation.selectors.corpora import corpus_texts
from curation.selectors.preferences import preference_examples
from ml.devices import can_squeeze
from ml.prompting import Tokenizer, TokenizerError
from ml.recipe import Recipe
from training.choices import AuditState, ModelState
from training.models import Audit, BaseModel, Run
from training.selectors.estimates import disk_need
from training.selectors.models import why_refused
from training.selectors.probes import probe_of
from training.selectors.refs import folder_of


def launch_refusals(run: Run) -> list[Denied]:
    """Empty when the run may start. Speaks of data, model, audit, disk, and what other stations forbid."""
    recipe = Recipe.from_json(run.recipe)
    if run.corpus is not None:
        found = corpus_refusals(run.corpus) + base_refusals(run.base) + block_refusals(run.base, recipe)
    else:
        found = version_refusals(run) + base_refusals(run.base) + length_refusals(run.base, recipe)
        found += audit_refusals(run) + preference_refusals(run, recipe)
    found += machine_refusals(run, recipe)
    need = disk_need(run.base, recipe)
    if not need.enough:
        values = {"needed": filesizeformat(need.needed), "free": filesizeformat(need.free), "where": need.where}
        found.append(
            Denied(
                _("The disk is short: the run needs about %(needed)s, and %(free)s are free at %(where)s.") % values,
                _("Free some space there, or keep fewer checkpoints."),
            )
        )
    return found + refusals("launch", run)


def corpus_refusals(corpus: Corpus) -> list[Denied]:
    if corpus.state == CorpusState.FAILED:
        return [Denied(_("The corpus could not be made: %(why)s") % {"why": corpus.error}, _("Make it again."))]
    if corpus.state == CorpusState.BUILDING:
        return []  # the run begins when it is there
    if not corpus_texts(corpus).is_file():
        return [Denied(_("The texts of the corpus are not on this machine."), _("Restore them from a backup."))]
    return []


def block_refusals(base: BaseModel, recipe: Recipe) -> list[Denied]:
    if not base.context_length or recipe.block_tokens < base.context_length:
        return []
    values = {"asked": recipe.block_tokens, "longest": base.context_length, "most": base.context_length - 1}
    return [
        Denied(
            _("The block of text is set to %(asked)d tokens, but the model holds %(longest)d.") % values,
            _("Set it to %(most)d or less.") % values,
        )
    ]


def version_refusals(run: Run) -> list[Denied]:
    version = run.version
    if version.state != VersionState.READY:
        return [Denied(_("The dataset version is not ready."), _("Wait until it is, or freeze a new one."))]
    return []


def base_refusals(base: BaseModel) -> list[Denied]:
    """The model must be examined, still be there, and still speak with the tokenizer it was registered with."""
    if base.state != ModelState.READY:
        return [Denied(_("The base model “%(name)s” is not ready.") % {"name": base.name}, why_refused(base))]
    try:
        tokenizer = Tokenizer.load(Path(folder_of(base)))
    except (TokenizerError, OSError) as error:
        return [
            Denied(
                _("The model's files cannot be read: %(error)s") % {"error": explained(error)}, _("Restore its folder.")
            )
        ]
    if tokenizer.fingerprint != base.tokenizer_fingerprint:
        return [
            Denied(
                _("The tokenizer of “%(name)s” has changed since it was registered.") % {"name": base.name},
                _("Restore its files, or register the changed model as a new one."),
            )
        ]
    return []


def length_refusals(base: BaseModel, recipe: Recipe) -> list[Denied]:
    if not base.context_length or recipe.max_tokens <= base.context_length:
        return []
    values = {"asked": recipe.max_tokens, "longest": base.context_length}
    return [
        Denied(
            _("The longest pair is set to %(asked)d tokens, but the model holds %(longest)d.") % values,
            _("Set it to %(longest)d or less.") % values,
        )
    ]


def preference_refusals(run: Run, recipe: Recipe) -> list[Denied]:
    """Learning to prefer needs corrections of models' drafts, or votes on models' answers to develop items."""
    if recipe.objective != "preferences" or next(preference_examples(run.version, ("train",)), None) is not None:
        return []
    return [
        Denied(
            _("No question has a better and a worse answer to learn from."),
            _(
                "Have experts correct drafts of a model and freeze a new version, have people vote on answers to a "
                "develop suite, or learn the answers themselves."
            ),
        )
    ]


def machine_refusals(run: Run, recipe: Recipe) -> list[Denied]:
    """What this machine cannot do, by rule or by the probe's measurement."""
    if recipe.method == "qlora" and not can_squeeze():
        return [Denied(_("QLoRA needs a GPU and the package bitsandbytes."), _("Choose LoRA."))]
    probe = getattr(run, "probe", None)
    found = probe_of(run) if probe is not None else None
    if found is None or found.fits:
        return []
    values = {"needed": filesizeformat(found.memory), "most": filesizeformat(found.most)}
    return [
        Denied(
            _("The probe needed %(needed)s of memory with the longest examples; this machine has %(most)s.") % values,
            _("Take fewer examples at a time with more batches per step, shorter ones, or a smaller model."),
        )
    ]


def audit_refusals(run: Run) -> list[Denied]:
    audit = run.audit
    if audit is None or audit.state == AuditState.RUNNING:
        return [Denied(_("The pairs are still being examined."), _("This takes seconds to a few minutes."))]
    if audit.state == AuditState.FAILED:
        return [Denied(_("The pairs could not be examined: %(error)s") % {"error": audit.error})]
    lifted = set(run.excluded)
    found = [
        blocked(audit, problem["code"], _(problem["sentence"]))
        for problem in audit.report["blocking"]
        if problem["code"] not in lifted
    ]
    excluded = {pair for ids in run.excluded.values() for pair in ids}
    if not found and excluded and len(excluded) >= audit.report["usable"]["train"]:
        return [Denied(_("No pair is left to train on without those you left out."), _("Freeze a better version."))]
    return found


def blocked(audit: Audit, code: str, sentence: str) -> Denied:
    report = audit.report
    if code == "nothing_to_train" and report["counts"].get("train", 0) == 0:
        return Denied(_("The version has no pair to train on."), _("Approve pairs and freeze a new version."))
    if code == "nothing_to_train":
        too_long = next((row["count"] for row in report["problems"] if row["code"] == "too_long"), 0)
        if too_long:
            text = ngettext(
                "The only pair is longer than %(limit)d tokens.",
                "No pair can be used; %(count)d are longer than %(limit)d tokens.",
                too_long,
            )
            values = {"count": too_long, "limit": audit.max_tokens}
            return Denied(text % values, _("Raise “Longest pair” in the details, or shorten the pairs."))
    if code == "shared_across_parts":
        return Denied(sentence, _("Leave the trained ones out of this run below, or freeze a new version."))
    if code == "end_not_trained":
        return Denied(sentence, _("Leave these pairs out of this run below."))
    return Denied(sentence)
