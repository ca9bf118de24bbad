"""Another language: found by small words or by the script, and not where it is in doubt."""

import pytest

from ml.checks import CheckContext, get_check

TEXTS = {
    "da": "Du skal søge om tilladelse hos kommunen, før du bygger, og det er ikke altid muligt at få svar straks.",
    "de": "Sie müssen die Genehmigung bei der Gemeinde beantragen, bevor Sie bauen, und das ist nicht immer einfach.",
    "en": "You have to ask the municipality for a permit before you build, and that is not always easy for everybody.",
    "es": "Usted debe pedir el permiso en el ayuntamiento antes de construir, y eso no es siempre fácil para todos.",
    "fi": "Sinun on haettava lupa kunnalta ennen kuin rakennat, ja se ei ole aina helppoa, mutta se on tehtävä.",
    "fr": "Vous devez demander le permis à la mairie avant de construire, et ce n'est pas toujours facile pour tous.",
    "it": "Si deve chiedere il permesso al comune prima di costruire, e non è sempre facile per chi non lo ha fatto.",
    "nl": "U moet een vergunning bij de gemeente aanvragen voordat u bouwt, en dat is niet altijd even makkelijk.",
    "pl": "Przed budową trzeba wystąpić o pozwolenie do gminy i nie jest to zawsze proste, ale to się opłaca.",
    "pt": "Você deve pedir a licença à câmara antes de construir, e isso não é sempre fácil para quem não sabe.",
    "sv": "Du måste söka bygglov hos kommunen innan du bygger, och det är inte alltid lätt att få ett svar.",
    "ru": "Нужно получить разрешение в муниципалитете до начала строительства, и это не всегда просто.",
    "ar": "يجب أن تطلب التصريح من البلدية قبل أن تبني البيت وهذا ليس سهلا دائما على كل الناس",
    "ja": "家を建てる前に市役所で許可を取らなければなりませんが、いつも簡単ではありません。",
}


def find(text: str, **context):
    return get_check("language").find(text, CheckContext(**context))


@pytest.mark.parametrize("code", TEXTS)
def test_every_language_is_known_as_itself_and_as_no_other(code):
    assert find(TEXTS[code], language=code) == []
    expected = "en" if code != "en" else "sv"
    (finding,) = find(TEXTS[code], language=expected)
    assert finding.severity == "warning"
    assert (finding.start, finding.end) == (0, len(TEXTS[code]))


def test_the_sentence_names_both_languages():
    assert find(TEXTS["sv"], language="en-GB")[0].message == (
        "This text looks like Swedish; its language is said to be English."
    )


def test_a_text_that_is_marked_with_another_language_than_the_tasks_is_worth_knowing():
    (finding,) = find(TEXTS["sv"], language="sv", task_language="en")
    assert finding.severity == "info"
    assert finding.message == "The task's language is English; this text is marked as Swedish."
    assert find(TEXTS["sv"], language="sv", task_language="sv-FI") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("Bygglov, startbesked, slutbesked.", "en", id="a few foreign words"),
        pytest.param("The word is " + TEXTS["sv"][:40] + ", and that is what you ask for.", "en", id="quotes"),
        pytest.param("“Det är inte alltid lätt, och du måste ha ett svar” is what you have to say.", "en", id="half"),
        pytest.param("```\nde la el los que en por una con para los del las\n```\nThis is it.", "en", id="code"),
        pytest.param("Der blev efter meget af det, og hvad mere er, kun nogle af dem.", "no", id="Danish, Norwegian"),
        pytest.param("De de de de de de de de de de de de", "en", id="one small word again and again"),
        pytest.param("α β γ δ ε ζ η θ ι are the letters that we use, so that it is so.", "en", id="Greek"),
        pytest.param("Jag är en av dem.", "en", id="too short to judge"),
        pytest.param("Ana är en kund, Pedro är en till; de bor i São Paulo.", "sv", id="foreign names"),
    ],
)  # fmt: skip
def test_false_positive(text, language):
    assert find(text, language=language) == []
