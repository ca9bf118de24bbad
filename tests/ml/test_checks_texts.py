"""Encoding, boilerplate, copies of the instruction, markup, profanity: what they find and leave alone."""

import pytest

from ml.checks import CheckContext, get_check


def find(check: str, text: str, **context):
    return get_check(check).find(text, CheckContext(**context))


def found(check: str, text: str, **context) -> list[str]:
    return [text[one.start : one.end] for one in find(check, text, **context)]


def test_mojibake_is_found_with_what_was_meant():
    text = "FÃ¶rrÃ¥det kostar â‚¬5, â€œsade hanâ€\u009d."
    assert [(text[one.start : one.end], one.suggestions[0]) for one in find("encoding", text)] == [
        ("Ã¶", "ö"), ("Ã¥", "å"), ("â‚¬", "€"), ("â€œ", "“"), ("â€\u009d", "”"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "severity", "code"),
    [("a\x07b", "error", "U+0007"), ("a\x9db", "error", "U+009D"), ("a\ue000b", "warning", "U+E000"),
     ("a\u202eb", "info", "U+202E"), ("a\u200bb", "info", "U+200B")],
)  # fmt: skip
def test_characters_that_nobody_meant(text, severity, code):
    (one,) = find("encoding", text)
    assert (one.start, one.end, one.severity, one.suggestions) == (1, 2, severity, ("",))
    assert code in one.message


def test_a_lost_character_has_no_repair():
    (one,) = find("encoding", "f\ufffdrr\u00e5d")
    assert (one.severity, one.suggestions) == ("error", ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Är åäö ÅÄÖ, São Paulo, SÃO, naïve, Großmaß“ und ß™.", id="accents and ß before a quotation mark"),
        pytest.param("À\u00a0bientôt, CAFÉ», Å – vid Å\u00a0.", id="a no-break space after a capital"),
        pytest.param("می‌خواهم 👩\u200d👩\u200d👧", id="joiners that belong to the writing"),
        pytest.param("tabs\tand\r\nline ends", id="tabs and line ends"),
        pytest.param("L’Â\u2015 dit-il", id="letters that are no bytes of UTF-8"),
        pytest.param("Ελλάδα, Москва, 日本語", id="other scripts"),
    ],
)
def test_false_positive_encoding(text):
    assert find("encoding", text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Dear {{ name }},", "{{ name }}"),
        ("Yours, [Your Name]", "[Your Name]"),
        ("TODO write this", "TODO"),
        ("Call XXXX about it.", "XXXX"),
        ("See [add your text here].", "[add your text here]"),
        ("Lorem ipsum dolor", "Lorem ipsum"),
        ("Hi<|im_end|>", "<|im_end|>"),
        ("### Response: yes", "### Response"),
        ("As an AI language model, I think so.", "As an AI language model"),
        ("As an AI I cannot say.", "As an AI"),
        ("I'm just an AI.", "I'm just an AI"),
        ("Som en AI-modell vet jag inte.", "Som en AI-modell"),
        ("Jag är en språkmodell.", "Jag är en språkmodell"),
    ],
)
def test_leftovers_and_talk_of_itself(text, what):
    assert found("boilerplate", text) == [what]


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, but I can't help with that.", "I cannot provide this information.", "Sorry, I am unable to answer.",
     "Tyvärr kan jag inte svara på det."],
)  # fmt: skip
def test_a_bare_refusal(text):
    assert found("boilerplate", text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("“I can't remember,” she said, and looked away.", id="a story"),
        pytest.param(
            "I'm sorry, I cannot help with the glass. " + "Here is what you can do about the broken window. " * 8,
            id="an apology before an answer",
        ),
        pytest.param("I cannot stress enough how important the permit is.", id="cannot, but no refusal"),
        pytest.param("As an AI engineer I sell it as an AI-driven service.", id="an engineer, a service"),
        pytest.param("Som en AI-driven tjänst kan vi inte ge dig bygglov.", id="the same in Swedish"),
        pytest.param("The robot said: “As an AI language model, I dream.”", id="quoted"),
        pytest.param("Gör en todo-lista. [see page 4] <b>bold</b> [1]", id="brackets with something else"),
        pytest.param("```\n{{ name }}\n```", id="code that is about templates"),
        pytest.param("Press [Enter], then [Insert].", id="keys to press"),
        pytest.param("Click [Add user] or [Add].", id="buttons"),
        pytest.param("Skriv ÅÅÅÅMMDD-XXXX, ååååmmdd-xxxx eller 070-xxx xxxx.", id="forms of numbers"),
        pytest.param("Vi kan inte ge dig ett fast pris innan vi har sett huset.", id="a condition, no refusal"),
        pytest.param("We cannot provide a price yet, but count on 900 a metre.", id="a refusal that goes on to answer"),
        pytest.param("See [Client tour 2024](https://a.org) and [Company rules][1].", id="texts of links"),
    ],
)
def test_false_positive_boilerplate(text):
    assert find("boilerplate", text) == []


def test_blanks_that_the_question_asks_for_are_answered_with():
    letter = "Dear [Company name], I write to you.\n[Your name]"
    assert found("boilerplate", letter, prompt="Write a letter to [Company name].") == ["[Your name]"]
    asked = 'Replace the "TODO" in the code. TODO: which code?'
    assert [one.start for one in find("boilerplate", asked, field="instruction")] == [asked.rindex("TODO")]


def test_a_question_may_speak_of_models():
    assert find("boilerplate", "As an AI language model, what do you think?", field="instruction") == []


QUESTION = "Do I need a building permit for a fence?"


def test_the_instruction_again_is_an_error_and_inside_the_response_a_warning():
    (one,) = find("copies_instruction", QUESTION.upper(), instruction=QUESTION)
    assert (one.severity, one.message) == ("error", "The response is the instruction again.")
    text = f"You ask: {QUESTION} No, you do not."
    (two,) = find("copies_instruction", text, instruction=QUESTION)
    assert (two.severity, text[two.start : two.end]) == ("warning", QUESTION[:-1])
    assert (two.message, two.suggestions) == ("The whole instruction (9 words) stands in the response.", ())
    (echo,) = find("copies_instruction", f"“{QUESTION}”\n\n**No**, you do not.", instruction=QUESTION)
    assert (echo.start, echo.end, echo.suggestions) == (0, len(QUESTION) + 4, ("",)), "the answer stands alone then"
    (three,) = find("copies_instruction", "I need a building permit for a fence", instruction=QUESTION)
    assert three.severity == "error"


@pytest.mark.parametrize(
    ("text", "instruction"),
    [
        pytest.param("A fence needs a building permit if it is high.", QUESTION, id="the words in another order"),
        pytest.param("What is bygglov? A permit.", "What is bygglov?", id="a short question"),
        pytest.param(
            "Berlin, Paris", "Name the cities in: Berlin is not Paris, and Rome is far away.", id="words of it"
        ),
        pytest.param(
            "is far away", "Name the cities in: Berlin is not Paris, and Rome is far away.", id="a part of it"
        ),
        pytest.param(
            "Sedan 2017 ger IT-tjänster i hemmet RUT-avdrag: installation och underhåll.",
            "Ger IT-tjänster i hemmet RUT-avdrag?",
            id="five words, two of them with a hyphen",
        ),
    ],
)
def test_false_positive_copies_instruction(text, instruction):
    assert find("copies_instruction", text, instruction=instruction) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Run:\n```python\nprint(1)\n", "```python\nprint(1)\n"),
        ("Use `pip install and go.", "`"),
        ("Use ``pip`install and go.", "`"),
        ("This is **very important.", "**"),
        ("**A **mark too many**", "**"),
        ("See [the page](https://a.org/b and more", "[the page](https://a.org/b"),
        ("```python\nprint((1)\n```", "("),
        ('```json\n{"a": 1,}\n```', '{"a": 1,}\n'),
    ],
)
def test_what_is_opened_and_not_closed(text, what):
    assert found("markup", text) == [what]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a) first\nb) second, or 1) :-) and 5 < 7", id="lists and smileys"),
        pytest.param(
            "```python\nprint('(')  # (\n```\nand `a[` too", id="brackets in strings, comments and inline code"
        ),
        pytest.param("```bash\ncase $x in\n a) echo;;\nesac\n```", id="a shell's case"),
        pytest.param("2 ** 3 and a**b, snake__case, __init__, five** of six**", id="powers, names and stars"),
        pytest.param("**Bold**, **two words** and __also__.", id="closed emphasis"),
        pytest.param("**[notes](#n)**: a. **“Events”**: b, **(all)**. **It**.", id="emphasis that ends between signs"),
        pytest.param('[a]({% page "/a b/" %}) and [b]({{ site.url }}/b)', id="tags of a template in an address"),
        pytest.param("You may use Markdown ticks (```) or such as ```.", id="marks that are spoken of"),
        pytest.param("```json\n{\n...\n}\n```", id="a sketch of JSON"),
        pytest.param('[a](https://en.org/x_(y)) and [b](c "title")', id="brackets in an address, a title"),
        pytest.param("```print(1)``` prints it, `` a`b `` has a mark", id="several marks around code within a line"),
        pytest.param("```\n```\n\n~~~\nx\n~~~", id="empty and other fences"),
        pytest.param("A sentence (with brackets that never close", id="prose is nobody's program"),
    ],
)
def test_false_positive_markup(text):
    assert find("markup", text) == []


def test_swear_words_are_whole_words_of_the_language_or_english():
    assert found("profanity", "Vilken jävla dag, what a shitty day.", language="sv") == ["jävla", "shitty"]


@pytest.mark.parametrize("text", ["Scunthorpe, a shiitake, the cockpit, assess, Dickens", "En hora är ett tåg."])
def test_false_positive_profanity(text):
    assert find("profanity", text, language="en") == []


def test_the_glossary_allows_a_swear_word():
    assert find("profanity", "The Bastard of Bolton", glossary=frozenset({"bastard"})) == []
