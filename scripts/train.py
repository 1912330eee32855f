"""`ser train`, from a checkout."""

from ser.cli import launch

launch("train")
