"""Speech emotion recognition.

The way of the data: corpora → audio → features → (augmentation →) training → model file →
inference → web. Each step is a package of its own; `CONTRIBUTING.md` has the map.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser.inference import Predictor
    from ser.recognizer import EmotionRecognizer

__version__ = "0.2.0"
__all__ = ["EmotionRecognizer", "load_model"]

# Before NumPy is loaded: requests and trainings run side by side, on matrices so small that a
# second thread of BLAS takes more from its neighbours than it gives.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def load_model(path: Path | str | None = None) -> "Predictor":
    """Load a model file; its `predict(path_or_bytes)` answers for a clip.

    Args:
        path: of an ``.h5`` or ``.skops`` file; None is the model that is shipped.

    Raises:
        ModelFileError: the file cannot be served.
    """
    from ser.inference import Predictor
    from ser.resources import DEFAULT_MODEL

    return Predictor.from_file(DEFAULT_MODEL if path is None else Path(path))


def __getattr__(name: str) -> Any:
    # On demand: it loads what training needs, which serving does without.
    if name == "EmotionRecognizer":
        from ser.recognizer import EmotionRecognizer

        return EmotionRecognizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
