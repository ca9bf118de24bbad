from evaluation.models.evaluations import Candidate, Evaluation, Output, Score
from evaluation.models.grading import Grade, GradingRound, Rubric
from evaluation.models.votes import Comparison, Vote

__all__ = [
    "Candidate",
    "Comparison",
    "Evaluation",
    "Grade",
    "GradingRound",
    "Output",
    "Rubric",
    "Score",
    "Vote",
]
