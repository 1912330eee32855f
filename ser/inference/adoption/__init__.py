"""Adoption: a Keras model of other people comes in, a model file of ours goes out."""

from ser.inference.adoption.adapted_input import Scaling, read_scaling
from ser.inference.adoption.copy_model import adopt

__all__ = ["Scaling", "adopt", "read_scaling"]
