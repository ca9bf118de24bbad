"""Misspellings are found; names, code, other languages and the words of a trade are not taken for misspellings."""

import pytest

from ml.checks import CheckContext, ProjectWords, get_check, misspelling, suggest
from ml.checks.dictionaries import dictionary_languages
from ml.checks.misspelling import Misspelling
from ml.phrases import Phrase
from tests.ml.test_checks_base import marked_sentences


def find(text: str, **context):
    return get_check("misspelling").find(text, CheckContext(**context))


def found(text: str, **context) -> list[str]:
    return [text[finding.start : finding.end] for finding in find(text, **context)]


def test_a_misspelling_is_a_warning_at_its_place():
    text = "Please send your adress to us."
    (finding,) = find(text)
    assert (finding.check, finding.version, finding.severity) == ("misspelling", 4, "warning")
    assert (finding.start, finding.end) == (17, 23)
    assert finding.message == "“adress” is neither in the dictionary nor in the project's glossary."
    assert finding.suggestions == (), "suggestions cost too much to be made for every word"


def test_every_occurrence_is_found_in_order():
    assert found("We recieve and beleive what they recieve.") == ["recieve", "beleive", "recieve"]


def test_the_glossary_accepts_words_and_their_plural_in_any_case():
    text = "The altan and two skatts, momsen."
    assert found(text) == ["altan", "skatts", "momsen"]
    assert found(text, glossary=frozenset({"Altan", "SKATT", "a momsen thing"})) == []
    assert found("Two skatts.", glossary=frozenset({"skatts"})) == []


def test_words_of_the_prompt_are_accepted():
    assert found("Ask for the altan first.") == ["altan"]
    assert found("Ask for the altan first.", prompt="What is an Altan?") == []
    assert found("Two skatts.", prompt="What are skatts?") == []


def test_words_of_several_approved_texts_are_accepted():
    assert found("An altan.", project_words=ProjectWords({"altan": 2}, 60)) == ["altan"]
    assert found("An altan, two altans.", project_words=ProjectWords({"altan": 3}, 60)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ask for the Bulding permit frist.", ["Bulding", "frist"]),
        ("Goverment rules hold. Ask your architect.", ["Goverment"]),
        ("We met Sagrada Familia and Los Angelles.", []),
        ("A Bulding is a Bulding, says the house of that name.", []),
        ("The Bottou paper and the Kyller tools.", []),
    ],
    ids=["in a sentence", "at its beginning", "beside another", "again and again", "short or rare"],
)
def test_a_capital_saves_a_name_and_not_a_slip_of_a_common_word(text: str, words: list[str]) -> None:
    assert found(text) == words


def test_a_name_with_a_capital_is_accepted_by_glossary_prompt_and_project() -> None:
    text = "Ask the Bulding for it."
    assert found(text) == ["Bulding"]
    assert found(text, glossary=frozenset({"Bulding"})) == []
    assert found(text, prompt="Who is Bulding?") == []
    assert found(text, project_words=ProjectWords({"bulding": 3}, 60)) == []
    assert found("Der Bulding ist neu.", language="de") == []


@pytest.mark.parametrize("wrong", ["definately", "completetion", "acheivment", "accomadation", "adresable"])
def test_two_slips_in_a_long_word_are_still_a_misspelling(wrong):
    assert found(f"We saw the {wrong} there.") == [wrong]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Zaragoza and Helsingborg are Towns.", id="names"),
        pytest.param("We moved to Altan; altan is large.", id="a name that the text also capitalises"),
        pytest.param("Use `nchhausen` and ```\ndef wrd_tst(): retrun\n``` here.", id="code"),
        pytest.param("As in\n```\nfoobaz barfoo", id="code whose fence was cut off"),
        pytest.param("See https://exmaple.org/abcd/wrongg or www.exmaple.org today.", id="addresses"),
        pytest.param("Write to jhon.smithh@exmaple.org today.", id="mail"),
        pytest.param("Then $\\alhpa + betta = gama$ , \\(x_{abcd} + dleta\\) and $$ epsilonn $$.", id="LaTeX"),
        pytest.param("\\begin{algin} abcd &= wrongg \\end{algin}", id="LaTeX environment"),
        pytest.param('An <span class="hihglight">HTML</span> &nbspp; text.', id="HTML"),
        pytest.param("Open config.yamll, src/maain.py or my_variabel and call retrun().", id="paths and identifiers"),
        pytest.param("Follow @jhonsmithh and #tagggs.", id="handles"),
        pytest.param("A b2bb and 4wheell car.", id="digits"),
        pytest.param("It doesn’t matter; they’re here, isnʼt it? They'd've known.", id="any apostrophe"),
        pytest.param("The inspector's and the kerbs' height.", id="possessives"),
        pytest.param(
            "The colour of the walls was chosen by many, and the organisation's theatre was analysed last year.",
            id="British spelling",
        ),
        pytest.param("A façade with a crème colour.", id="accents in English"),
        pytest.param("The prediabetes and undescended repointing.", id="prefixes"),
        pytest.param("All this compares favourably.", id="British adverbs"),
        pytest.param("Where'd it go, and who'd've known?", id="contractions with a capital"),
        pytest.param("Giardia intestinalis, Y. pestis and C. jejuni are germs.", id="names of species"),
        pytest.param("Our webinars have a workflow for screenshots.", id="words younger than the dictionary"),
        pytest.param("Abc xyz qrs.", id="short words"),
        pytest.param("The startbesked for an attefallshus and its detaljplan.", id="words of a trade"),
        pytest.param("We deploy it with kubectl on the mainframe.", id="words of no dictionary"),
        pytest.param("Les fleurs du printemps colorent les jardins.", id="a line in another language"),
        pytest.param("It is called\nBetong och murverk kräver alltid bygglov.\nin Swedish.", id="a Swedish line"),
        pytest.param("他说递归函数的定义 means recursion.", id="another script"),
        pytest.param("Эта строка not english.", id="Cyrillic"),
    ],
)
def test_false_positive(text):
    assert found(text) == []


def test_a_word_after_a_name_is_no_species_unless_it_looks_latin():
    assert found("Zaragoza recieved it, and The virusis came.") == ["recieved", "virusis"]


def test_a_book_in_another_language_is_not_looked_up_word_by_word(monkeypatch):
    looked_up = []
    monkeypatch.setattr(misspelling, "resembles_listed", lambda word, _language: bool(looked_up.append(word)))
    foreign = " ".join(f"{one}{two}q{three}" for one in "bcdfg" for two in "hjklmnprst" for three in "vwxzvtklmn")
    assert found(f"We saw the grxqtz.\n{foreign}\n") == []
    assert looked_up == ["grxqtz"]


def test_dollars_are_no_formula():
    assert found("It costs $5 for a recieve slip and $10 for another.") == ["recieve"]


def test_a_misspelling_beside_code_is_still_found():
    text = "Call `retrun` to recieve it."
    assert found(text) == ["recieve"]


def test_one_wrong_word_said_often_is_no_other_language():
    assert found("recieve " * 5) == ["recieve"] * 5


def test_other_languages_use_their_own_dictionary():
    assert found("Wir haben die Rechnung gestern abgeschikt.", language="de") == ["abgeschikt"]
    assert found("Nous avons dit qu'elle a reçu l’avion et l'été aujourd’hui.", language="fr") == []
    assert found("ذهبت إلى المدرسة صباح اليوم وكان الطقس جميلا", language="ar") == []
    assert found("ذهبت إلى المدررسة صباح اليوم وكان الطقس جميلا", language="ar") == ["المدررسة"]
    assert found("Please recieve", language="en-GB") == ["recieve"]


def reason_of(code: str) -> Phrase:
    reason = get_check("misspelling").unavailable_reason(code)
    assert reason is not None
    return reason


@pytest.mark.parametrize("code", ["sv", "sv-SE", "sv_FI"])
def test_a_language_without_a_dictionary_says_so_and_flags_nothing_by_itself(code):
    rest = "only words one slip away from a usual word of this project's approved texts are marked."
    assert reason_of("tlh") == f"There is no dictionary for the language (tlh): {rest}"
    assert reason_of(code) == f"There is no dictionary for Swedish (sv): {rest}"
    assert reason_of("nb").startswith("There is no dictionary for Norwegian (nb): ")
    assert {reason_of(code).template, reason_of(code).values["language"].template} <= marked_sentences()
    assert found("Detta är nästan helt felstavatt.", language=code) == []


SWEDISH = ProjectWords({"bygglov": 40, "kommunen": 30, "ansökan": 12, "kostnader": 6, "startbesked": 4}, 60)


def test_without_a_dictionary_the_words_of_the_project_are_the_measure():
    text = "Du söker byygglov hos kommunnen, ansökan kostar."
    wrong = find(text, language="sv", project_words=SWEDISH)
    assert [(text[one.start : one.end], one.suggestions, one.severity) for one in wrong] == [
        ("byygglov", ("bygglov",), "info"),
        ("kommunnen", ("kommunen",), "info"),
    ]
    assert wrong[0].message == "“byygglov” stands in no other approved text; “bygglov” stands in 40."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Ett bygglovs villkor, kostnaden är känd.", "another form of a usual word"),
        ("Vi fick ett startbeskad.", "too few texts have the word that may have been meant"),
        ("En friggebod och ett attefallshus.", "words that resemble nothing"),
        ("Kommunan svarar.", "a capital"),
        ("byygglov och byygglov", "said twice, so meant"),
    ],
)
def test_false_positive_without_a_dictionary(text, why):
    assert found(text, language="sv", project_words=SWEDISH) == [], why


def test_too_few_approved_texts_are_no_measure():
    assert found("Ett byygglov.", language="sv", project_words=ProjectWords(SWEDISH.counts, 49)) == []


def test_languages_with_a_usable_dictionary_have_no_reason():
    assert dictionary_languages() == {"ar", "de", "en", "es", "eu", "fr", "it", "nl", "pt"}
    assert {get_check("misspelling").unavailable_reason(code) for code in dictionary_languages()} == {None}


def test_suggestions_are_made_on_demand_best_first():
    assert suggest("recieve", "en")[0] == "receive"
    assert suggest("adress", "en")[0] == "address"
    assert suggest("thier", "en")[:2] == ("their", "thief"), "the commoner first"
    assert suggest("abgeschikt", "de")[0] == "abgeschickt"
    assert len(suggest("teh", "en", most=3)) == 3


def test_suggestions_prefer_the_glossary_and_work_without_a_dictionary():
    glossary = frozenset({"Friggebod", "Startbesked"})
    assert suggest("frigebod", "en", glossary=glossary)[0] == "Friggebod"
    assert suggest("frigebod", "sv", glossary=glossary) == ("Friggebod",)
    assert suggest("frigebod", "sv") == ()


def test_an_empty_word_has_no_suggestions():
    assert suggest(" ", "en") == ()


def test_a_word_like_nothing_else_has_no_suggestions():
    assert suggest("qqqqqqqqqqqqqqqqqqqqqqqq", "en") == ()


def test_limits_hold_on_long_texts():
    assert len(find("some recieve words here. " * 500)) == 100
    assert Misspelling(characters=10).find("all right recieve", CheckContext()) == []
