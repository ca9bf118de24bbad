"""Published examples of ratings from comparisons, typed in as facts."""

# Thirty votes on five dishes and their ratings, from the evalica library (Apache-2.0), food.csv and food-golden.csv.
# One letter an item; the second letter of a vote sat on the right; < the left one won, > the right one, = a tie.
FOOD_NAMES = {"z": "Pizza", "s": "Sushi", "b": "Burger", "p": "Pasta", "t": "Tacos"}
FOOD_VOTES = (
    "zs< bp> tz< st> bz< ps> tb< zp= sb> pt< bs> tz< sp= bt< zb> pt> bs> tp< zt> sb< pz> bs> tp< zs< sb> pt> tz< bp> "
    "st< zb>"
)
FOOD_BRADLEY_TERRY = {
    "Tacos": 0.43428982771223773,
    "Sushi": 0.19060028489839073,
    "Burger": 0.14797665121689418,
    "Pasta": 0.1281534106031957,
    "Pizza": 0.09897982556928168,
}
FOOD_ELO = {
    "Tacos": 1013.3587771887543,
    "Sushi": 1002.0980590208538,
    "Burger": 998.0260933346951,
    "Pasta": 994.1913058814378,
    "Pizza": 992.325764574259,
}

# The worked example of the encyclopedia article on the Bradley-Terry model: 22 games; wins of the row over the column.
# Strengths with geometric mean 1, to three places.
WORKED_WINS = {"A": {"B": 2, "D": 1}, "B": {"A": 3, "C": 5}, "C": {"B": 3, "D": 1}, "D": {"A": 4, "C": 3}}
WORKED_STRENGTHS = {"A": 0.640, "B": 1.043, "C": 0.660, "D": 2.270}

# 8,931 votes on 59 models by 124 people on 13 prompts (llmfao, CC BY 4.0; the votes lie outside the repository): the
# strengths that evalica gives, and mean standard errors in Elo computed once from the sandwich formula.
LLMFAO_STRENGTHS = {"GPT 4": 0.041217874, "Platypus-2 Instruct (70B)": 0.029233178, "command": 0.028852056}
LLMFAO_AGREEMENT = {"raw": 0.5322, "nominal": 0.290595, "ordinal": 0.287553, "interval": 0.287761}


def food_columns() -> tuple[list[str], list[str], list[str]]:
    """Left, right, winner of the thirty votes."""
    words = {"<": "left", ">": "right", "=": "tie"}
    votes = FOOD_VOTES.split()
    return [FOOD_NAMES[v[0]] for v in votes], [FOOD_NAMES[v[1]] for v in votes], [words[v[2]] for v in votes]
