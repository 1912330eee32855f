"""A version of waitress that moves what the server relies on is found out, name by name."""

import inspect
from importlib.metadata import version

import pytest

from ser.web.waitress_internals import RELIED_ON


@pytest.mark.parametrize(
    ("owner", "name"),
    [(owner, name) for owner, names in RELIED_ON.items() for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_waitress_still_has(owner, name):
    sources = (inspect.getsource(base) for base in owner.__mro__[:-1])
    assert hasattr(owner, name) or any(f"self.{name} =" in source for source in sources), (
        f"waitress {version('waitress')} has no {owner.__name__}.{name} any more: "
        "see ser/web/waitress_internals.py, or keep the version before"
    )
