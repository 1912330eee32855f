"""The web app: an HTTP request comes in, a page or JSON goes out.

Flask and waitress are known here only; predictions are made by `ser.inference`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser.web.application import build_app, create_app

__all__ = ["build_app", "create_app"]


def __getattr__(name: str) -> Any:
    # On demand: the parent of several copies serves nothing and needs no Flask.
    if name in __all__:
        from ser.web import application

        return getattr(application, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
