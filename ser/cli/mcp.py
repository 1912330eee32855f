"""Offer predictions to agents: a Model Context Protocol server over standard input and output.

It needs one package more: pip install 'speech-emotion[mcp]'.
"""

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser.errors import SerError, UsageError
from ser.filenames import error_text, show_path
from ser.resources import DEFAULT_MODEL

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from ser.inference.prediction import Prediction
    from ser.inference.predictor import Predictor

_INSTRUCTIONS = (
    "Predicts the emotion in recordings of voices: any audio or video file of this machine. The "
    "model was trained on actors and is often wrong about strangers: say so, and take the warning "
    "'uncertain' seriously. Do not use it for decisions about people."
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    if find_spec("mcp") is None:
        raise UsageError("ser mcp needs one package more: pip install 'speech-emotion[mcp]'")
    from ser.inference.predictor import Predictor

    make_server(Predictor.from_file(args.model)).run("stdio")
    return 0


def make_server(predictor: "Predictor") -> "MCPServer[Any]":
    """Return a server with the tools `predict_emotion` and `emotion_timeline`."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    from ser import __version__
    from ser.timeline import TIMELINE_FORMS, timeline_of

    server: MCPServer[Any] = MCPServer(
        "speech-emotion", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING"
    )

    def ask(path: str, reference: list[Path] | None = None) -> "Prediction":
        try:
            return predictor.predict(Path(path), reference=reference)
        except (SerError, OSError) as error:
            raise ToolError(f"{show_path(path)}: {error_text(error)}") from error

    @server.tool()
    def predict_emotion(path: str, reference: list[str] | None = None) -> dict[str, Any]:
        """Return the emotion of an audio or video file, its probabilities, and its segments.

        Args:
            path: of the file.
            reference: one to four files of the same speaker in a neutral voice, if there are any.
        """
        files = [Path(file) for file in reference or ()] or None
        return ask(path, files).to_dict()

    @server.tool()
    def emotion_timeline(path: str, form: str = "srt") -> str:
        """Return the emotions over time of an audio or video file, as text.

        Args:
            path: of the file.
            form: vtt or srt (captions), audacity (labels), textgrid (Praat), or csv.
        """
        if form not in TIMELINE_FORMS:
            raise ToolError(f"unknown form {form!r}; known: {', '.join(TIMELINE_FORMS)}")
        return TIMELINE_FORMS[form].write(timeline_of(ask(path)))

    return server
