"""Find the corpora, feature sets and recipes: each is a module in its package."""

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from typing import Any

from ser.errors import UsageError


def collect(package: str, attribute: str, *, skip: Collection[str] = ()) -> dict[str, Any]:
    """Import the modules of a package and return the objects that they define, by their `name`.

    Args:
        package: in dots, such as ``"ser.features"``.
        attribute: the constant of a module that holds its object, such as ``"FEATURES"``; with an
            S at the end, one that holds several. A module without either defines none.
        skip: names of modules that are not imported.

    Raises:
        ValueError: two objects have the same name.
    """
    table: dict[str, Any] = {}
    path = importlib.import_module(package).__path__
    for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        if info.name in skip:
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        one, several = getattr(module, attribute, None), getattr(module, f"{attribute}S", ())
        for entry in several if one is None else (one, *several):
            if entry.name in table:
                raise ValueError(f"{package}: two entries are named {entry.name!r}")
            table[entry.name] = entry
    return table


def lookup(table: Mapping[str, Any], name: str, kind: str) -> Any:
    """Return ``table[name]``.

    Args:
        table: as `collect` returns it.
        kind: what the table holds, for the message.

    Raises:
        UsageError: the name is not known; the message lists the known ones.
    """
    try:
        return table[name]
    except KeyError:
        known = ", ".join(sorted(table))
        raise UsageError(f"unknown {kind} {name!r}; known: {known}") from None
