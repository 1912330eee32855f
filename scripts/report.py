"""`ser report`, from a checkout."""

from ser.cli import launch

launch("report")
