"""Models: a recipe says what is trained (`models.recipes`), one file holds a trained model.

The path of a model file comes in, a checked `ModelFile` goes out: the model with its own labels
and preprocessing. A model file is untrusted input; nothing in it is run.
"""

from ser.models.model_file import (
    Metadata,
    ModelFile,
    add_scores,
    make_probe,
    read_model_file,
    write_metadata,
)

__all__ = [
    "Metadata",
    "ModelFile",
    "add_scores",
    "make_probe",
    "read_model_file",
    "write_metadata",
]
