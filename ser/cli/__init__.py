"""The command line: arguments come in; results go to standard output, the rest to standard error.

One module a command, which parses, calls and prints. A new command is one file here, with a
`main`, and a name in `COMMANDS`.
"""

import ast
import importlib
import io
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ser.errors import SerError
from ser.filenames import error_text

COMMANDS = (
    "predict", "record", "serve", "download", "convert", "explore", "train", "evaluate", "search",
    "extract", "report", "adopt", "mcp",
)  # fmt: skip


def main() -> None:
    """Run `ser COMMAND …`."""
    command, *arguments = sys.argv[1:] or ["--help"]
    if command in COMMANDS:
        sys.argv = [f"ser {command}", *arguments]
        launch(command)
    if command in ("-h", "--help"):
        print(_usage())
    elif command == "--version":
        from ser import __version__

        print(__version__)
    else:
        print(f"ser: unknown command {command!r}; known: {', '.join(COMMANDS)}", file=sys.stderr)
        sys.exit(2)


def launch(command: str) -> None:
    """Run a command with the arguments in `sys.argv`, and end the process."""
    # Imported there, too: this takes a second, in which Ctrl-C may come.
    run(lambda: importlib.import_module(f"ser.cli.{command}").main())


def run(command: Callable[[], int]) -> None:
    """Call a command and exit with its status; an error of ours or of a file is one line.

    The status is 2 for such an error, and 130 after Ctrl-C.
    """
    name = Path(sys.argv[0]).name
    if isinstance(sys.stdout, io.TextIOWrapper):  # of an old encoding that lacks some letters
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(command())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone. Say nothing, not even when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "ser":
            raise
        way_out = f"this needs the package {error.name}: pip install 'speech-emotion[train]'"
        print(f"{name}: {way_out}", file=sys.stderr)
        sys.exit(2)
    except (SerError, OSError) as error:
        print(f"{name}: {error_text(error)}", file=sys.stderr)
        sys.exit(2)


def _usage() -> str:
    lines = [
        "usage: ser COMMAND [OPTIONS]",
        "       ser COMMAND --help",
        "       ser --version",
        "",
    ]
    return "\n".join([*lines, *(f"  {command:10} {_summary(command)}" for command in COMMANDS)])


def _summary(command: str) -> str:
    """Return the first line of a command's docstring; its imports would take seconds."""
    spec = find_spec(f"ser.cli.{command}")
    assert spec is not None  # noqa: S101 - for mypy: each command is a module
    assert spec.origin is not None  # noqa: S101
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
