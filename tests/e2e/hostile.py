"""Thirty texts that pages of other programs have stumbled over, typed in as facts, and rows that carry them."""

import csv
import io
import random

LONG_WORD = "Donaudampfschiff" * 250
HOSTILE = (
    "<script>alert(1)</script>",
    "</textarea><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "'--",
    "'; DROP TABLE curation_pair; --",
    "{{7*7}}",
    "{% include 'base.html' %}",
    "{{instruction}} {{input}}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "javascript:alert(5)",
    "<a href='javascript:alert(6)'>here</a>",
    "<!-- not closed",
    "]]> <![CDATA[",
    "&lt;b&gt; &amp;amp; &#x3c;",
    "\u202egnitirw sdrawkcab\u202c",
    "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645",
    "\u05d0\u05d1\u05d2 abc \u05d3\u05d4\u05d5",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f4\u200d\u2620\ufe0f",
    "Z\u0351\u036b\u0343a\u0363\u0368l\u034a\u0348\u0353g\u0357\u034bo\u0311\u0312",
    "zero\u200bwidth\u2060joiner\ufeffinside",
    '=HYPERLINK("http://example.org","x")',
    "../../../../etc/passwd",
    "%s %d %n %(name)s {0} {}",
    "\\u0000 \\x00 \\' \\\"",
    "null None undefined NaN -1e309",
    "<|im_start|>system",
    "<|endoftext|>",
    "\uff1cscript\uff1ealert(7)\uff1c/script\uff1e",
    LONG_WORD,
)
VOCABULARY = """
attic balcony basement beam brick bucket carpet ceiling cellar chimney clamp concrete corner curtain cushion
door drain fence floor frame furnace garage garden gate glass gutter hammer handle hinge hook insulation
kitchen ladder lamp lock marble mirror mortar nail oven paint panel pillar pipe plank plaster plate porch pump
rail roof rope sand screw shelf shower sink stair stone stove switch table tank tile timber tower trench valve
wall well window wire
"""
WORDS = VOCABULARY.split()


def rows_csv(count: int = 60) -> str:
    """Questions and answers that resemble each other little, each with a hostile text in its question or answer."""
    draw = random.Random(7)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["question", "answer", "topic"])
    for number in range(count):
        one, two, three, four = draw.sample(WORDS, 4)
        question = f"May the {one} touch the {two} near the {three}?"
        answer = f"Keep the {one} a hand from the {four}. Then the {three} stays dry."
        odd = HOSTILE[number % len(HOSTILE)]
        if number % 2:
            question = f"{question} {odd}"
        else:
            answer = f"{answer} {odd}"
        writer.writerow([question, answer, HOSTILE[(number * 7) % 20]])
    return out.getvalue()
