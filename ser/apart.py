"""Building a model's graph in a process that ends: what Keras takes of memory goes with it."""

from multiprocessing.connection import Connection, Pipe

from ser.bundle import Bundle
from ser.errors import ModelFileError, SerError
from ser.graph import Exported, GraphScorer
from ser.lean import lean_imports
from ser.runtime import build_graph
from ser.spawn import inherited_files, spawn


def build_apart(bundle: Bundle) -> GraphScorer:
    """Return what `build_graph` does; its answers are the same to the bit.

    Raises:
        ModelFileError: the model cannot be built.
    """
    ours, theirs = Pipe()
    process = spawn("ser.apart", [theirs.fileno()])
    theirs.close()
    try:
        ours.send(bundle)
        with lean_imports():
            import openvino  # noqa: F401  # meanwhile
        built: Exported | SerError | str = ours.recv()
    except (EOFError, OSError) as error:
        raise ModelFileError(
            f"model file {bundle.path}: the process that built it ended with {process.wait()}"
        ) from error
    finally:
        ours.close()
        process.wait()
    if isinstance(built, SerError):
        raise built
    if isinstance(built, str):
        raise RuntimeError(built)
    return GraphScorer.imported(built)


def main() -> None:
    """Build the one bundle that is sent."""
    import traceback

    connection = Connection(inherited_files()[0])
    try:
        bundle = connection.recv()
        built: Exported | SerError | str
        try:
            built = build_graph(bundle).export()
        except SerError as error:
            built = error
        except Exception:  # of any kind, maybe not to be pickled
            built = f"in the process that builds the model:\n{traceback.format_exc()}"
        connection.send(built)
    except (EOFError, OSError):  # nobody waits for it any more
        return


if __name__ == "__main__":
    main()
