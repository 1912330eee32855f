"""`ser serve`, from a checkout."""

from ser.cli import launch

launch("serve")
