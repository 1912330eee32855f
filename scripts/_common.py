"""What the command lines share."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ser.errors import SerError, UsageError


def run(main: Callable[[], int]) -> None:
    """Run a command line; an error of ours is one line on stderr and exit 2."""
    try:
        sys.exit(main())
    except SerError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone; say nothing, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def note(text: str) -> None:
    """Print something that is not a result."""
    print(text, file=sys.stderr)


def clip_progress(what: str) -> Callable[[Any], Any]:
    """Return a progress bar on stderr, to be put around utterances; `what` is made of them."""

    def wrap(utterances: Any) -> Any:
        from tqdm import tqdm

        return tqdm(utterances, desc=what, unit="clip")

    return wrap


extraction_progress = clip_progress("features")


def training_progress(epochs: int, name: str) -> Any:
    """Return a Keras callback that draws a progress bar with time left on stderr."""
    from tqdm.keras import TqdmCallback

    return TqdmCallback(epochs=epochs, verbose=0, desc=name)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the options that `workers` takes."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--jobs", type=int, default=1, help="processes side by side")
    form.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler, instead of --jobs")


@contextmanager
def workers(args: argparse.Namespace) -> Iterator[None]:
    """Run scikit-learn's and joblib's work in processes, or on a Dask cluster.

    Raises:
        UsageError: the cluster cannot be reached, or its client is not installed.
    """
    import joblib

    if not args.dask:
        with joblib.parallel_config(backend="loky", n_jobs=args.jobs):
            yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("--dask needs the package distributed: pip install distributed") from error
    try:
        client = Client(args.dask, timeout=10)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler at {args.dask}: {error}") from error
    with client, joblib.parallel_config(backend="dask"):
        yield


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON for people and programs."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
