"""`ser predict`, from a checkout."""

from ser.cli import launch

launch("predict")
