"""Start the app: `python app.py`. For another WSGI server: `app:create_app()`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def create_app(config: Mapping[str, Any] | None = None) -> "Flask":
    """Return the Flask app, its model being loaded; see `ser.web.create_app`."""
    from ser.web import create_app

    return create_app(config)


if __name__ == "__main__":
    from ser.cli.serve import main

    main()
