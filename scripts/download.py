"""`ser download`, from a checkout."""

from ser.cli import launch

launch("download")
