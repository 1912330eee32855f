"""What the command lines share."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ser.errors import SerError


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


def write_json(path: Path, data: Any) -> None:
    """Write data as JSON for people and programs."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
