"""`ser mcp`, asked by the client of the package itself."""

import asyncio
import json
import os
import sys

import pytest

from ser.inference.predictor import Predictor
from tests import synth
from tests.conftest import ROOT

mcp = pytest.importorskip("mcp")


def ask(model, calls):
    """Return the tools of a server in a process of its own, and its results of some calls."""

    async def talk():
        script = str(ROOT / "scripts" / "mcp_server.py")
        server = mcp.StdioServerParameters(
            command=sys.executable, args=[script, "--model", str(model)], env=dict(os.environ)
        )
        async with mcp.Client(server) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            return tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(asyncio.wait_for(talk(), 120))


def test_an_agent_gets_answers_timelines_and_errors(relative_model, tmp_path):
    clip, neutral, broken = (tmp_path / name for name in ("a.wav", "neutral.wav", "broken.wav"))
    clip.write_bytes(synth.wav(synth.voice(8.0, pitch=128)))
    neutral.write_bytes(synth.wav(synth.voice(3.0, pitch=130, seed=5)))
    broken.write_bytes(b"no sound")
    calls = [
        ("predict_emotion", {"path": str(clip)}),
        ("predict_emotion", {"path": str(clip), "reference": [str(neutral)]}),
        ("emotion_timeline", {"path": str(clip), "form": "vtt"}),
        ("emotion_timeline", {"path": str(clip), "form": "gif"}),
        ("predict_emotion", {"path": str(broken)}),
    ]
    tools, (plain, referenced, captions, unknown, refused) = ask(relative_model, calls)
    assert tools == ["predict_emotion", "emotion_timeline"]
    predictor = Predictor.from_file(relative_model)
    for result, reference in ((plain, None), (referenced, [neutral])):
        assert not result.is_error
        expected = predictor.predict(clip, reference=reference).to_dict()
        answer = json.loads(result.content[0].text)
        assert answer["emotion"] == expected["emotion"]
        assert answer["probabilities"] == pytest.approx(expected["probabilities"])
        assert len(answer["segments"]) == len(expected["segments"]) > 1
    assert json.loads(referenced.content[0].text)["reference"]["used"]
    assert captions.content[0].text.startswith("WEBVTT")
    assert unknown.is_error
    assert "known: vtt, srt" in unknown.content[0].text
    assert refused.is_error
    assert "broken.wav: this is no audio or video file" in refused.content[0].text
