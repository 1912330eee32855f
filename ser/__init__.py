"""Speech emotion recognition: corpora → audio → features → model → bundle → predictor → web."""

import os

__version__ = "0.1.0"

# Before NumPy is loaded: requests and trainings run side by side, on matrices so small that a
# second thread of BLAS takes more from its neighbours than it gives.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
