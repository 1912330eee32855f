"""The one command `ser`: its list of commands, each command's own help, and its errors."""

import subprocess
import sys
from pathlib import Path

import pytest

from ser import __version__
from ser.cli import COMMANDS, launch, predict
from ser.web.settings import SETTINGS
from tests import synth
from tests.server import ROOT

SER = str(Path(sys.executable).with_name("ser"))


def ser(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [SER, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_with_its_summary(arguments):
    done = ser(*arguments)
    assert done.returncode == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()[4:]}
    assert set(lines) == set(COMMANDS)
    assert all(len(summary) > 20 for summary in lines.values())


def test_every_command_is_a_module_and_a_script():
    modules = {path.stem for path in (ROOT / "ser" / "cli").glob("*.py")}
    assert set(COMMANDS) == modules - {
        "__init__",
        "options",
        "evaluate_all",
        "scores",
    }
    launched = [path.read_text() for path in (ROOT / "scripts").glob("*.py")]
    for command in COMMANDS:
        assert sum(f'launch("{command}")' in text for text in launched) == 1, command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_own_help(command):
    done = ser(command, "--help")
    assert done.returncode == 0
    assert f"usage: ser {command} " in done.stdout


def test_ctrl_c_while_a_command_is_imported_says_nothing(monkeypatch, capsys):
    def imported(name):
        assert name == "ser.cli.extract"
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", imported)
    with pytest.raises(SystemExit) as ended:
        launch("extract")
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_the_help_of_serve_lists_the_settings():
    shown = ser("serve", "--help").stdout
    assert all(setting.variable in shown for setting in SETTINGS.values())


def test_version():
    assert ser("--version").stdout == f"{__version__}\n"


def test_an_unknown_command_lists_the_known_ones():
    done = ser("guess")
    assert done.returncode == 2
    assert "unknown command 'guess'; known: predict, " in done.stderr
    assert done.stdout == ""


def test_an_error_is_one_line_with_the_command(tmp_path):
    done = ser("predict", "--model", tmp_path / "gone.h5", "clip.wav")
    assert done.returncode == 2
    assert done.stderr == f"ser predict: model file {tmp_path / 'gone.h5'} does not exist\n"


def test_a_command_is_a_function_of_its_arguments(tmp_path, capsys):
    (tmp_path / "clip.wav").write_bytes(synth.wav(synth.voice()))
    assert predict.main([str(tmp_path / "clip.wav"), str(tmp_path / "gone.wav")]) == 1
    good, gone = capsys.readouterr().out.splitlines()
    assert good.startswith(f"{tmp_path / 'clip.wav'}: ")
    assert gone.startswith(f"{tmp_path / 'gone.wav'}: error: ")


def test_predict_from_another_folder(tmp_path):
    (tmp_path / "clip.wav").write_bytes(synth.wav(synth.voice()))
    done = ser("predict", "clip.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("clip.wav: ")


def test_a_closed_output_pipe_is_no_error(tmp_path):
    (tmp_path / "clip.wav").write_bytes(synth.wav(synth.voice()))
    command = f"{SER} predict clip.wav clip.wav clip.wav | head -n 0"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
