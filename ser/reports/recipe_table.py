"""The results of all recipes as two Markdown tables and a chart."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from ser.corpora import CORPORA
from ser.errors import SerError
from ser.evaluation.recipe_benchmark import (
    PUBLISHED_RUN,
    UNSEEN,
    UNSEEN_RUN,
    Run,
    kinds,
    results,
)
from ser.models.model_file import Metadata, read_model_file
from ser.models.recipes import RECIPES, KerasRecipe, Recipe
from ser.reports.rendering import percent, render
from ser.resources import DEFAULT_MODEL

#: The short table stands between these two lines of a document.
MARKS = ("<!-- recipes: written by ser evaluate --all -->", "<!-- end of the recipes -->")

#: Results by recipe name, then by kind of run: `PUBLISHED_RUN` or `UNSEEN_RUN`.
Results = Mapping[str, Mapping[str, dict[str, Any]]]


def write_recipe_tables(
    runs: Iterable[Run], folder: Path, *, table: Path, short_table: Path
) -> None:
    """Write the table and the chart of all recipes, and the short table into a document.

    Args:
        folder: holds the stored results of the runs.
        table: Markdown file of the full table; the chart is beside it as ``.png``.
        short_table: Markdown document with the two `MARKS`.

    Raises:
        SerError: `short_table` has no place for the table.
    """
    recipes = list(RECIPES.values())
    shipped = read_model_file(DEFAULT_MODEL).metadata
    found = _with_stored_scores(results(runs, folder), shipped)
    chart = table.with_suffix(".png")
    drawn = _draw_chart(recipes, found, chart)
    table.write_text(
        recipe_table(recipes, found, chart=chart.name if drawn else ""), encoding="utf-8"
    )
    short = [
        recipe
        for recipe in recipes
        if recipe.name == shipped.recipe or (recipe.published and recipe.published.accuracy)
    ]
    document = short_table.read_text(encoding="utf-8")
    short_table.write_text(insert_short_table(document, short, found), encoding="utf-8")


def recipe_table(recipes: Sequence[Recipe], found: Results, *, chart: str = "") -> str:
    """Return the page of recipes as Markdown.

    Args:
        chart: the file of the chart, relative to the page; empty if there is none.
    """
    return render(
        "recipe_table.md.j2",
        recipes=recipes,
        rows=[_row(recipe, found.get(recipe.name, {})) for recipe in recipes],
        chart=chart,
        unseen=UNSEEN,
    )


def insert_short_table(document: str, recipes: Iterable[Recipe], found: Results) -> str:
    """Return a Markdown document with a short table of recipes between its two `MARKS`.

    Raises:
        SerError: the document lacks a mark.
    """
    before, begin, rest = document.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise SerError(f"no place for the table: the document has no {MARKS[0]} … {MARKS[1]}")
    rows = [_short_row(recipe, found.get(recipe.name, {})) for recipe in recipes]
    return f"{before}{begin}\n{render('short_recipe_table.md.j2', rows=rows)}{end}{after}"


def _with_stored_scores(found: dict[str, dict[str, dict]], shipped: Metadata) -> Results:
    """Add the scores that the shipped model carries where no run stored a result."""
    for name, scores in {shipped.recipe: shipped.scores, **shipped.comparisons}.items():
        for kind, protocol in kinds(RECIPES[name]).items():
            if protocol in scores:
                # What the other recipes were trained on, the file does not say.
                data = {"on": shipped.corpora} if name == shipped.recipe else {}
                stored = {**data, **scores[protocol]}
                found.setdefault(name, {}).setdefault(kind, stored)
    return found


def _draw_chart(recipes: Iterable[Recipe], found: Results, path: Path) -> bool:
    """Draw the accuracies of the recipes tested on held-out speakers; return whether there are any.

    matplotlib is imported here because the tables do not need it.
    """
    from ser.reports.plots import Accuracies, plot_accuracies

    rows = []
    for recipe in recipes:
        here, unseen = _published_and_unseen(found.get(recipe.name, {}))
        if "accuracy" in unseen:
            published = recipe.published and recipe.published.accuracy
            rows.append(
                Accuracies(
                    recipe=recipe.name,
                    published=published / 100 if published else None,
                    here=here.get("accuracy"),
                    unseen=unseen["accuracy"],
                    chance=1 / len(recipe.labels),
                )
            )
    if rows:
        plot_accuracies(rows, path)
    return bool(rows)


def _published_and_unseen(found: Mapping[str, dict]) -> tuple[dict, dict]:
    """Return the result under the source's protocol, and the result on held-out speakers."""
    here = found.get(PUBLISHED_RUN, {})
    # A source whose protocol does not leak has tested on held-out speakers already.
    return here, found.get(UNSEEN_RUN, {} if here.get("leaks", True) else here)


def _row(recipe: Recipe, found: Mapping[str, dict]) -> list[str]:
    here, unseen = _published_and_unseen(found)
    unseen_cell = _score(unseen, "accuracy")
    if "uar" in unseen:
        unseen_cell += f", UAR {_score(unseen, 'uar')}"
    data = dict.fromkeys(_data(recipe, result) for result in (here, unseen) if "on" in result)
    return [
        f"`{recipe.name}`",
        str(len(recipe.labels)),
        percent(1 / len(recipe.labels)),
        _published_accuracy(recipe),
        f"{_score(here, 'accuracy')} (`{here['protocol']}`)" if here else "–",
        unseen_cell,
        "; held-out speakers: ".join(data) or "–",
    ]


def _short_row(recipe: Recipe, found: Mapping[str, dict]) -> list[str]:
    here, unseen = _published_and_unseen(found)
    return [
        f"`{recipe.name}`",
        str(len(recipe.labels)),
        _published_accuracy(recipe),
        _accuracy(recipe, here) if here else "–",
        _accuracy(recipe, unseen),
        _score(unseen, "uar"),
    ]


def _published_accuracy(recipe: Recipe) -> str:
    published = recipe.published
    return f"{published.accuracy:.2f} %" if published and published.accuracy else "–"


def _accuracy(recipe: Recipe, result: Mapping[str, Any]) -> str:
    epochs = f" ({_epochs(recipe, result)})" if _is_cut_short(recipe, result) else ""
    return _score(result, "accuracy") + epochs


def _score(result: Mapping[str, Any], name: str) -> str:
    if not result:
        return "not run"
    if "error" in result:
        return result["error"]
    sd = result.get("sd", {}).get(name)
    spread = "" if sd is None else f" ± {100 * sd:.1f}"
    return f"{percent(result[name])}{spread}{' †' if result.get('stale') else ''}"


def _data(recipe: Recipe, result: Mapping[str, Any]) -> str:
    counts = ", ".join(
        f"{n:,} of {CORPORA[c].title if c in CORPORA else c}" for c, n in result["on"].items()
    )
    return counts + (f"; {_epochs(recipe, result)}" if result.get("epochs") else "")


def _epochs(recipe: Recipe, result: Mapping[str, Any]) -> str:
    """Return the number of epochs, such as ``25 of 100 epochs`` if training was cut short."""
    of_all = f" of {recipe.epochs:,}" if _is_cut_short(recipe, result) else ""
    return f"{result['epochs']:,}{of_all} epochs"


def _is_cut_short(recipe: Recipe, result: Mapping[str, Any]) -> TypeGuard[KerasRecipe]:
    return isinstance(recipe, KerasRecipe) and 0 < (result.get("epochs") or 0) < recipe.epochs
