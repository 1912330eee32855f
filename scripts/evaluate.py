"""`ser evaluate`, from a checkout."""

from ser.cli import launch

launch("evaluate")
