"""`ser evaluate --all`: every recipe as published and on unseen voices, and the table of them."""

import argparse
import functools

from ser.cli import options
from ser.data.dataset import load_dataset
from ser.data.unknown_speakers import warn_of_split
from ser.evaluation.recipe_benchmark import is_done, plan_runs, run_all
from ser.features import FEATURE_SETS
from ser.filenames import show_path
from ser.models.recipes import RECIPES
from ser.plugins import lookup
from ser.reports.recipe_table import write_recipe_tables


def evaluate_all(args: argparse.Namespace) -> int:
    """Do the runs that are missing, and write the table after each; return 1 if one failed."""
    recipes = [lookup(RECIPES, name, "recipe") for name in args.all] or list(RECIPES.values())
    options.check_writable(args.results)
    everything = plan_runs(RECIPES.values(), args.data, epochs=args.epochs, seeds=args.seeds)
    runs = [run for run in everything if run.recipe in recipes]
    todo = [run for run in runs if not is_done(run, args.results)]
    options.note(f"{len(todo)} of {len(runs)} runs are to be done")
    write = functools.partial(
        write_recipe_tables,
        everything,
        args.results,
        table=args.table,
        short_table=args.short_table,
    )
    write()  # first, so that a wrong path shows before hours of work
    notes: dict[str, None] = {}
    # The runs then find the features in the cache.
    for name in dict.fromkeys(run.recipe.features for run in todo if not run.matrix):
        loaded = load_dataset(args.data, FEATURE_SETS[name], progress=options.extraction_progress)
        parts = "the training", "the test"
        warnings = warn_of_split(loaded.utterances, parts, data=args.data)
        notes |= dict.fromkeys([*loaded.notes, *warnings])
    options.note(*notes)
    failed = 0
    for number, (run, result) in enumerate(run_all(todo, args.results, jobs=args.jobs), start=1):
        failed += "error" in result
        outcome = (
            result.get("error") or f"accuracy {result['accuracy']:.1%}, UAR {result['uar']:.1%}"
        )
        name = f"{run.recipe.name}, {run.protocol}"
        options.note(f"{number}/{len(todo)} {name}: {outcome} ({result['seconds']} s)")
        write()
    print(f"{show_path(args.table)}: {len(runs)} runs, {failed} failed")
    return 1 if failed else 0
