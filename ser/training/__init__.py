"""Training: a recipe and a dataset come in, a trained model and its file go out.

`train` trains Keras and scikit-learn recipes. `grid_search` compares their parameters on validation
speakers. TensorFlow is loaded only when a network is trained.
"""

from ser.training.train import Trained, refit, save, train

__all__ = ["Trained", "refit", "save", "train"]
