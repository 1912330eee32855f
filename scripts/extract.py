"""`ser extract`, from a checkout."""

from ser.cli import launch

launch("extract")
