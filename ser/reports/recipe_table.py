"""The table of recipes as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from ser.corpora import CORPORA
from ser.errors import SerError
from ser.evaluation.recipe_benchmark import PUBLISHED_RUN, UNSEEN, UNSEEN_RUN
from ser.models.recipes import KerasRecipe, Recipe

#: Around the short table in a document.
MARKS = ("<!-- recipes: written by evaluate.py --all -->", "<!-- end of the recipes -->")


def render(
    recipes: Sequence[Recipe], found: Mapping[str, Mapping[str, dict]], *, chart: str = ""
) -> str:
    """Return the table of recipes as Markdown, with a chart's file where there is one."""
    lines = [
        "# The recipes, as published and on unseen voices",
        "",
        "Written by `scripts/evaluate.py --all`. Where a figure is the mean of several seeds, ± is "
        "their standard deviation; the others are of one seed. *Published* is the source's own "
        "accuracy. *Here* is the accuracy under the protocol nearest to the source's. *Unseen "
        f"voices* is accuracy and UAR with the speakers of the test kept out of the training: "
        f"under `{UNSEEN}`, or under the source's protocol where that keeps them apart. Chance is "
        "the accuracy, and the UAR, of guessing. † marks what was measured before the last change "
        "of the recipe, the data or the code.",
        "",
        *([f"![What the published accuracies become]({chart})", ""] if chart else []),
        "| recipe | classes | chance | published | here | unseen voices | run on |",
        "|---|---|---|---|---|---|---|",
        *(_row(recipe, found.get(recipe.name, {})) for recipe in recipes),
        "",
        "## Where they are from",
        "",
        *(_source(recipe) for recipe in recipes),
        "",
    ]
    return "\n".join(lines)


def insert(
    document: str, recipes: Iterable[Recipe], found: Mapping[str, Mapping[str, dict]]
) -> str:
    """Return a Markdown document with a short table of recipes between its two `MARKS`.

    Raises:
        SerError: it has no such place.
    """
    before, begin, rest = document.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise SerError(f"no place for the table: the document has no {MARKS[0]} … {MARKS[1]}")
    rows = [
        "| recipe | classes | published | here, in the source's way | unseen voices | UAR there |",
        "|---|---|---|---|---|---|",
    ]
    for recipe in recipes:
        published, ours, unseen = _figures(recipe, found.get(recipe.name, {}))
        here, heard = (_accuracy(recipe, result) for result in (ours, unseen))
        rows.append(
            f"| `{recipe.name}` | {len(recipe.labels)} | {published} "
            f"| {here if ours else '–'} | {heard} | {_percent(unseen, 'uar')} |"
        )
    return "\n".join([before + begin, *rows, end + after])


@dataclass(frozen=True)
class Accuracies:
    """The accuracies of a recipe, 0 to 1; None where there is none."""

    recipe: str
    published: float | None
    here: float | None
    unseen: float | None
    chance: float


def accuracies(recipe: Recipe, found: Mapping[str, dict]) -> Accuracies:
    """Return what a row of the table says, as numbers."""
    published, (_, ours, unseen) = recipe.published, _figures(recipe, found)
    return Accuracies(
        recipe=recipe.name,
        published=published.accuracy / 100 if published and published.accuracy else None,
        here=ours.get("accuracy"),
        unseen=unseen.get("accuracy"),
        chance=1 / len(recipe.labels),
    )


def _figures(recipe: Recipe, found: Mapping[str, dict]) -> tuple[str, dict, dict]:
    """Return the published figure, the results under its protocol, and those on unseen voices."""
    published, ours = recipe.published, found.get(PUBLISHED_RUN, {})
    unseen = found.get(UNSEEN_RUN, {} if ours.get("leaks", True) else ours)
    figure = f"{published.accuracy:.2f} %" if published and published.accuracy else "–"
    return figure, ours, unseen


def _row(recipe: Recipe, found: Mapping[str, dict]) -> str:
    figure, ours, unseen = _figures(recipe, found)
    here = f"{_percent(ours, 'accuracy')} (`{ours['protocol']}`)" if ours else "–"
    heard = _percent(unseen, "accuracy")
    if "uar" in unseen:
        heard += f", UAR {_percent(unseen, 'uar')}"
    on = "; unseen voices: ".join(
        dict.fromkeys(_data(recipe, r) for r in (ours, unseen) if "on" in r)
    )
    n = len(recipe.labels)
    return f"| `{recipe.name}` | {n} | {1 / n:.1%} | {figure} | {here} | {heard} | {on or '–'} |"


def _accuracy(recipe: Recipe, result: Mapping[str, Any]) -> str:
    short = f" ({_epochs(recipe, result)})" if _is_cut_short(recipe, result) else ""
    return _percent(result, "accuracy") + short


def _percent(result: Mapping[str, Any], name: str) -> str:
    if not result:
        return "not run"
    if "error" in result:
        return result["error"]
    sd = result.get("sd", {}).get(name)
    spread = "" if sd is None else f" ± {100 * sd:.1f}"
    return f"{result[name]:.1%}{spread}{' †' if result.get('stale') else ''}"


def _data(recipe: Recipe, result: Mapping[str, Any]) -> str:
    counts = ", ".join(
        f"{n:,} of {CORPORA[c].title if c in CORPORA else c}" for c, n in result["on"].items()
    )
    return counts + (f"; {_epochs(recipe, result)}" if result.get("epochs") else "")


def _epochs(recipe: Recipe, result: Mapping[str, Any]) -> str:
    """Say how long a network was trained, ``25 of 100 epochs`` where that was cut short."""
    of_all = f" of {recipe.epochs:,}" if _is_cut_short(recipe, result) else ""
    return f"{result['epochs']:,}{of_all} epochs"


def _is_cut_short(recipe: Recipe, result: Mapping[str, Any]) -> TypeGuard[KerasRecipe]:
    return isinstance(recipe, KerasRecipe) and 0 < (result.get("epochs") or 0) < recipe.epochs


def _source(recipe: Recipe) -> str:
    published = recipe.published
    words = [f"- `{recipe.name}`: {recipe.summary}."]
    if published:
        words.append(
            f"From {published.source}" + (f", on {published.data}." if published.data else ".")
        )
    if recipe.note:
        words.append(recipe.note)
    return " ".join(words)
