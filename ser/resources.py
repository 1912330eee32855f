"""Paths of the files that are not code: the page's templates, its static files, the model."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """Return the path of the folder `templates`, `static` or `model`.

    An installed package contains them; a checkout has them beside the package.
    """
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


#: The shipped model, which is served by default.
DEFAULT_MODEL = data_folder("model") / "conv1d-frames.h5"
