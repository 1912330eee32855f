"""The tables of recipes as Markdown."""

import pytest

from ser.errors import SerError
from ser.models.recipes import RECIPES
from ser.reports.recipe_table import MARKS, insert_short_table, recipe_table


def test_rows_say_what_was_measured():
    result = {
        "protocol": "last-actors", "epochs": 700, "on": {"ravdess": 1040}, "accuracy": 0.612,
        "uar": 0.598, "sd": {"accuracy": 0.0214, "uar": None}, "leaks": False, "n": 160,
    }  # fmt: skip
    names = ("conv1d8-mfcc216-male2", "mlp-180")
    text = recipe_table([RECIPES[n] for n in names], {names[0]: {"published": result}})
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `conv1d8-mfcc216-male2` | 2 | 50.0% | – | 61.2% ± 2.1 (`last-actors`) "
        "| 61.2% ± 2.1, UAR 59.8% "
        "| 1,040 of RAVDESS; 700 epochs |",
        "| `mlp-180` | 4 | 25.0% | 70.31 % | – | not run | – |",
    ]
    assert RECIPES["mlp-180"].note in text
    result["epochs"] = 250
    text = recipe_table([RECIPES[names[0]]], {names[0]: {"published": result}})
    assert "| 1,040 of RAVDESS; 250 of 700 epochs |" in text


def test_a_document_gets_a_short_table():
    result = {"protocol": "random:25", "accuracy": 0.653, "uar": 0.641, "leaks": True}
    unseen = {"protocol": "actors5", "accuracy": 0.5, "uar": 0.48, "leaks": False}
    found = {
        "mlp-180": {"published": result, "unseen": unseen},
        "lstm-mfcc40": {"published": {**result, "epochs": 1000}, "unseen": {**unseen, "epochs": 9}},
    }
    recipes = [RECIPES[name] for name in ("mlp-180", "conv1d8-mfcc216-male2", "lstm-mfcc40")]
    document = "\n".join(["# A", MARKS[0], "| `old` |", MARKS[1], "end", ""])
    lines = insert_short_table(document, recipes, found).splitlines()
    assert lines[:2] == ["# A", MARKS[0]]
    assert lines[4:] == [
        "| `mlp-180` | 4 | 70.31 % | 65.3% | 50.0% | 48.0% |",
        "| `conv1d8-mfcc216-male2` | 2 | – | – | not run | not run |",
        "| `lstm-mfcc40` | 8 | – | 65.3% | 50.0% (9 of 1,000 epochs) | 48.0% |",
        MARKS[1],
        "end",
    ]
    with pytest.raises(SerError, match="no place for the table"):
        insert_short_table("# A\n", recipes, found)
