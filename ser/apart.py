"""Building a model's graph in a process that ends: what Keras takes of memory goes with it."""

import logging
from multiprocessing.connection import Connection, Pipe

from ser.bundle import Bundle
from ser.graph import Exported, GraphScorer
from ser.lean import lean_imports
from ser.runtime import build_graph
from ser.spawn import inherited_files, outcome, possible, spawn

log = logging.getLogger(__name__)

_BUILD_S = 120


def build_apart(bundle: Bundle, *, with_single: bool = True) -> GraphScorer:
    """Return what `build_graph` does, which takes over where no process can do it, or it ends.

    Args:
        with_single: as `GraphScorer.imported` has it.

    Raises:
        ModelFileError: the model cannot be built.
    """
    built = _built(bundle) if possible() else None
    if isinstance(built, Exception):
        raise built
    if built is None:
        return build_graph(bundle)
    return GraphScorer.imported(built, with_single=with_single)


def _built(bundle: Bundle) -> Exported | Exception | None:
    """Return what the process sends; None of one that ends early, or is no Python of ours."""
    ours, theirs = Pipe()
    try:
        process = spawn("ser.apart", [theirs.fileno()])
    except OSError as error:
        log.warning("no process can be started to build the model: %s", error)
        return None
    finally:
        theirs.close()
    try:
        ours.send(bundle)
        with lean_imports():
            import openvino  # noqa: F401  # meanwhile
        built: Exported | Exception | None = ours.recv() if ours.poll(_BUILD_S) else None
    except (EOFError, OSError):
        built = None
    finally:
        ours.close()
    if built is None:
        process.kill()
        log.warning("the process that built the model ended with %s", process.wait())
    process.wait()
    return built


def main() -> None:
    """Build the one bundle that is sent."""
    connection = Connection(inherited_files()[0])
    try:
        bundle = connection.recv()
        where = "the process that builds the model"
        connection.send(outcome(lambda: build_graph(bundle).export(), where))
    except (EOFError, OSError):  # nobody waits for it any more
        return


if __name__ == "__main__":
    main()
