"""`ser convert`, from a checkout."""

from ser.cli import launch

launch("convert")
