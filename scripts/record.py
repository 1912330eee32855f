"""`ser record`, from a checkout."""

from ser.cli import launch

launch("record")
