"""Inference: a model file and a clip come in, a prediction goes out.

Serving and the command line predict through `Predictor`. Nothing here trains, and nothing
imports TensorFlow unless KERAS_BACKEND asks for it.
"""

from ser.inference.cues import Cue, CueEmotion
from ser.inference.prediction import ChannelsPrediction, Prediction, Segment
from ser.inference.predictor import Predictor
from ser.inference.reference import Reference, make_reference, parse_reference, read_reference
from ser.inference.stages import STAGES

__all__ = [
    "STAGES",
    "ChannelsPrediction",
    "Cue",
    "CueEmotion",
    "Prediction",
    "Predictor",
    "Reference",
    "Segment",
    "make_reference",
    "parse_reference",
    "read_reference",
]
