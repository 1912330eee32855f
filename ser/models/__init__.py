"""Models: what can be trained (`models.recipes`), and the one file that a trained model is.

A recipe is data. A model file carries its own preprocessing and labels; it comes in as a path
and goes out as a checked `ModelFile`, of which nothing was executed.
"""

from ser.models.model_file import Metadata, ModelFile, read_model_file

__all__ = ["Metadata", "ModelFile", "read_model_file"]
