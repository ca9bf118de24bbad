"""Published examples of text scores, typed in as facts."""

# Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries", section 3: reference, candidate, ROUGE-L.
ROUGE_L = [
    ("police killed the gunman", "police kill the gunman", 3 / 4),
    ("police killed the gunman", "the gunman kill police", 2 / 4),
]

# The Czech sentences of sacrebleu's own tests (Apache-2.0): output, reference, chrF2 of the sentence.
CHRF = [
    (
        "Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře.",
        "Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře.",
        39.14078509,
    ),
    (
        "Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.",
        "A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři.",
        31.22557079,
    ),
    (
        "Lapali po dechu, jejich životy skončily dřív, než skutečně začaly.",
        "Lapali po dechu a pak jejich život skončil - dřív, než skutečně mohl začít, připomněli.",
        57.15704367,
    ),
]
