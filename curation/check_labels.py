"""What the parameters of the checks are called on their pages: by check and name, else by name alone."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Promise] = {
    "accepted_texts": _("Approved texts that make a word one of the project's"),
    "alike": _("Share of common words from which two answers agree"),
    "block_times": _("Times a block of words stands in a row"),
    "block_words": _("Words of these blocks together, at least"),
    "characters": _("Characters read, at most"),
    "different": _("Different small words of the other language, at least"),
    "ending": _("Last letters that must agree"),
    "error_share": _("Share of repeated words that is an error"),
    "findings": _("Findings in one text, at most"),
    "foreign_share": _("Share of unknown words that makes a line foreign"),
    "foreign_words": _("Words a line needs to be judged foreign"),
    "hits": _("Small words of the other language in all, at least"),
    "lead": _("Times as many small words as of the expected language"),
    "letter_share": _("Share of letters in a repeated block, at least"),
    "letters": _("Letters of a word that is looked at, at least"),
    "ngrams": _("Repeated groups of four words, at least"),
    "project_letters": _("Without a dictionary: letters of a word that is judged, at least"),
    "project_texts": _("Without a dictionary: approved texts that are needed"),
    "quote_words": _("Words of a quotation, at least"),
    "reference_factor": _("Times the words of the expected answer"),
    "reference_share": _("Share of the words of the expected answer"),
    "refusal_words": _("Words of a text that may count as a refusal, at most"),
    "script_share": _("Share of letters in a foreign script"),
    "similarity": _("Share of common words and word pairs; of letter sequences where both are short"),
    "stutter": _("Repeated letters, at least"),
    "typical_factor": _("Times the length that 19 of 20 accepted texts keep to"),
    "typical_share": _("Share of the length that 19 of 20 accepted texts reach"),
    "typical_texts": _("Accepted texts that are needed to know the usual length"),
    "usual_texts": _("Without a dictionary: texts that make another word the usual one"),
    "verse_share": _("Share of repeated words in verse that is a warning"),
    "copies_instruction.share": _("Share of the instruction that makes a copy"),
    "copies_instruction.words": _("Words of an instruction that is looked for, at least"),
    "language.share": _("Share of these among all words, at least"),
    "language.words": _("Words of prose that are needed to judge"),
    "repetition.share": _("Share of repeated words that is a warning"),
    "too_long.reference_words": _("Words more than the expected answer, at least"),
    "too_short.reference_words": _("Words fewer than the expected answer, at least"),
}


def parameter_label(check: str, name: str) -> str:
    return str(LABELS.get(f"{check}.{name}") or LABELS[name])
