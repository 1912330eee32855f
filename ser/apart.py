"""Building a model's graph in a process that ends: what Keras takes of memory goes with it."""

import logging
import traceback
from multiprocessing.connection import Connection, Pipe

from ser.bundle import Bundle
from ser.errors import SerError
from ser.graph import Exported, GraphScorer
from ser.lean import lean_imports
from ser.runtime import build_graph
from ser.spawn import inherited_files, spawn

log = logging.getLogger(__name__)

_BUILD_S = 120
#: A graph, or an error: ours, or the traceback of another.
_Built = Exported | SerError | str


def build_apart(bundle: Bundle) -> GraphScorer:
    """Return what `build_graph` does, which takes over where the process ends too early.

    Raises:
        ModelFileError: the model cannot be built.
    """
    built = _built(bundle)
    if isinstance(built, SerError):
        raise built
    if isinstance(built, str):
        raise RuntimeError(built)
    return GraphScorer.imported(built) if built else build_graph(bundle)


def _built(bundle: Bundle) -> _Built | None:
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
        built: _Built | None = ours.recv() if ours.poll(_BUILD_S) else None
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
        try:
            built: _Built = build_graph(bundle).export()
        except SerError as error:
            built = error
        except Exception:  # of any kind, maybe not to be pickled
            built = f"in the process that builds the model:\n{traceback.format_exc()}"
        connection.send(built)
    except (EOFError, OSError):  # nobody waits for it any more
        return


if __name__ == "__main__":
    main()
