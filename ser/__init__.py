"""Speech emotion recognition: corpora → audio → features → model → bundle → predictor → web."""

__version__ = "0.1.0"
