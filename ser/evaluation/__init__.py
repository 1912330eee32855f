"""Evaluation: a recipe and a protocol, or a model and labelled clips, come in; scores go out.

`evaluate` trains on each split of a protocol and tests on its held-out rows.
`score_external` scores a finished model on clips of other corpora.
"""

from ser.evaluation.evaluate import evaluate
from ser.evaluation.external import ExternalResult, predict_clips, score_external
from ser.evaluation.results import Evaluation

__all__ = ["Evaluation", "ExternalResult", "evaluate", "predict_clips", "score_external"]
