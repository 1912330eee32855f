"""Evaluation: a recipe under a protocol, or a model file with labelled clips, to its figures.

`evaluate` trains on each split and tests on what was held out; `score_external` scores a
finished model on clips of others.
"""

from ser.evaluation.evaluate import evaluate
from ser.evaluation.external import ExternalResult, answers_of, score_external
from ser.evaluation.results import Evaluation

__all__ = ["Evaluation", "ExternalResult", "answers_of", "evaluate", "score_external"]
