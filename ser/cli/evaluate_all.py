"""`ser evaluate --all`: every recipe as published and on unseen voices, and the table of them."""

import argparse
from collections.abc import Sequence

from ser.cli import options
from ser.data.dataset import load_dataset
from ser.evaluation import recipe_benchmark as table
from ser.features import FEATURE_SETS
from ser.models.model_file import read_model_file
from ser.models.recipes import RECIPES
from ser.plugins import lookup
from ser.reports import recipe_table as table_text
from ser.resources import DEFAULT_MODEL


def evaluate_all(args: argparse.Namespace) -> int:
    """Do the runs that are missing, and write the table after each; return 1 if one failed."""
    recipes = [lookup(RECIPES, name, "recipe") for name in args.all] or list(RECIPES.values())
    everything = table.plan_runs(RECIPES.values(), args.data, epochs=args.epochs, seeds=args.seeds)
    runs = [run for run in everything if run.recipe in recipes]
    todo = [run for run in runs if not table.is_done(run, args.results)]
    options.note(f"{len(todo)} of {len(runs)} runs are to be done")
    _write(everything, args)  # first, so that a wrong path shows before hours of work
    # The runs then find the features in the cache.
    for name in dict.fromkeys(run.recipe.features for run in todo if not run.matrix):
        load_dataset(args.data, FEATURE_SETS[name], progress=options.extraction_progress)
    failed = 0
    for number, (run, result) in enumerate(
        table.run_all(todo, args.results, jobs=args.jobs), start=1
    ):
        failed += "error" in result
        outcome = (
            result.get("error") or f"accuracy {result['accuracy']:.1%}, UAR {result['uar']:.1%}"
        )
        name = f"{run.recipe.name}, {run.protocol}"
        options.note(f"{number}/{len(todo)} {name}: {outcome} ({result['seconds']} s)")
        _write(everything, args)
    print(f"{args.table}: {len(runs)} runs, {failed} failed")
    return 1 if failed else 0


def _write(runs: Sequence[table.Run], args: argparse.Namespace) -> None:
    """Write the tables and the chart of all stored results."""
    from ser.reports.plots import plot_accuracies

    recipes = list(RECIPES.values())
    found = table.results(runs, args.results)
    # The shipped model carries figures of its own evaluations, which are not run again.
    shipped = read_model_file(DEFAULT_MODEL).metadata
    for name, scores in {shipped.recipe: shipped.scores, **shipped.comparisons}.items():
        for kind, protocol in table.kinds(RECIPES[name]).items():
            if protocol in scores:
                found.setdefault(name, {}).setdefault(
                    kind, {"on": shipped.corpora, **scores[protocol]}
                )
    rows = [table_text.accuracies(recipe, found.get(recipe.name, {})) for recipe in recipes]
    chart = args.table.with_suffix(".png")
    if measured := [row for row in rows if row.unseen is not None]:
        plot_accuracies(measured, chart)
    text = table_text.render(recipes, found, chart=chart.name if measured else "")
    args.table.write_text(text)
    short = [
        recipe
        for recipe in recipes
        if recipe.name == shipped.recipe or (recipe.published and recipe.published.accuracy)
    ]
    args.short_table.write_text(table_text.insert(args.short_table.read_text(), short, found))
