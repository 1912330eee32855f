"""`ser search`, from a checkout."""

from ser.cli import launch

launch("search")
