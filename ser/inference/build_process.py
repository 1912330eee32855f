"""Build a Keras model for OpenVINO in a process of its own.

Keras takes 35 to 40 MB that a server never needs again. A process that ends gives them back.
"""

import logging
import os
import pickle
import struct
import subprocess
import sys

from ser.errors import ModelFileError
from ser.inference.backends import build_openvino_model
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import OpenVinoModel
from ser.models import ModelFile

log = logging.getLogger(__name__)

_TIMEOUT_S = 120
_REFUSED = 2  # exit status: the model cannot be built; stderr says why
_LENGTH = struct.Struct(">Q")  # of the first of the two compiled graphs, in bytes


def build_in_process(model_file: ModelFile, *, threads: int | None = None) -> OpenVinoModel:
    """Do what `build_openvino_model` does, in a process that then ends.

    If the process cannot be started, or fails, this process builds the model.

    Args:
        threads: for inference; None takes all cores.

    Raises:
        ModelFileError: the model cannot be built.
    """
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    except OSError as error:
        log.warning("the build process cannot be started: %s", error)
        return build_openvino_model(model_file, threads=threads)
    with hide_optional_packages():
        import openvino  # noqa: F401  # takes time, which passes while the other process builds
    try:
        compiled, messages = process.communicate(pickle.dumps(model_file), _TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        compiled, messages = process.communicate()
    text = messages.decode(errors="replace").strip()
    if process.returncode == _REFUSED:
        raise ModelFileError(text)
    if process.returncode or len(compiled) <= _LENGTH.size:
        reason = text.rpartition("\n")[2]
        log.warning("the build process ended with %s: %s", process.returncode, reason)
        return build_openvino_model(model_file, threads=threads)
    start = _LENGTH.size
    middle = start + _LENGTH.unpack_from(compiled)[0]
    return OpenVinoModel.imported((compiled[start:middle], compiled[middle:]), threads=threads)


def main() -> int:
    """Build the model file that comes in on standard input; write the compiled graphs out."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print to standard output, which carries the graphs
    model_file = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our parent
    try:
        compiled = build_openvino_model(model_file).export()
    except ModelFileError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    with output:
        output.write(_LENGTH.pack(len(compiled[0])) + b"".join(compiled))
    return 0


if __name__ == "__main__":
    sys.exit(main())
