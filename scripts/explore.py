"""`ser explore`, from a checkout."""

from ser.cli import launch

launch("explore")
