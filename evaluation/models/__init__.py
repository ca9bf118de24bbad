from evaluation.models.evaluations import Candidate, Evaluation, Output, Score
from evaluation.models.grading import Grade, GradingRound, Rubric

__all__ = ["Candidate", "Evaluation", "Grade", "GradingRound", "Output", "Rubric", "Score"]
