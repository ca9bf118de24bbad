"""Published examples of agreement between raters, typed in as facts."""

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units, grades
# missing. He gives .743 (nominal), .815 (ordinal) and .849 (interval).
KRIPPENDORFF_CODINGS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
# The same to seven places, as two independent libraries give it.
KRIPPENDORFF_ALPHA = {"nominal": 0.7434211, "ordinal": 0.8153875, "interval": 0.8491071}

# Fleiss (1971) in the form of the usual textbook example: fourteen raters put ten subjects into five categories; each
# row counts the raters per category. Kappa is .210.
FLEISS_COUNTS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
FLEISS_KAPPA = 0.210

# Cohen's kappa: fifty grant proposals read by two people who say yes or no. p_o = .7, p_e = .5, kappa = .4.
COHEN_COUNTS = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
COHEN_KAPPA = 0.4
# Two tables with the same raw agreement (60 of 100) and different kappa.
COHEN_SAME_RAW = [
    ({("yes", "yes"): 45, ("yes", "no"): 15, ("no", "yes"): 25, ("no", "no"): 15}, 0.1304),
    ({("yes", "yes"): 25, ("yes", "no"): 35, ("no", "yes"): 5, ("no", "no"): 35}, 0.2593),
]


def krippendorff_rows() -> list[tuple[str, str, str]]:
    """(item, rater, value) of the codings, without the missing ones."""
    return [
        (f"unit {unit}", f"observer {observer}", value)
        for observer, line in zip("ABCD", KRIPPENDORFF_CODINGS.split("\n")[1:5], strict=True)
        for unit, value in enumerate(line.split(), start=1)
        if value != "."
    ]
