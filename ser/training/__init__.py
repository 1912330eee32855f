"""Training: a recipe and a dataset come in, a trained model and its file go out.

`train` fits Keras and scikit-learn recipes alike; `grid_search` tries their parameters on
validation speakers. TensorFlow is loaded when a network is trained.
"""

from ser.training.train import Trained, refit, save, train

__all__ = ["Trained", "refit", "save", "train"]
