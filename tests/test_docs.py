"""The README and its neighbours name all that is there, and nothing that is not."""

import re
from pathlib import Path

import pytest

from ser.augmentation.waveform import AUGMENTATIONS
from ser.corpora import CORPORA
from ser.data.splits import PROTOCOLS
from ser.features import FEATURE_SETS
from ser.models.label_sets import LABEL_SETS
from ser.models.model_file import read_model_file
from ser.models.recipes import RECIPES
from ser.resources import DEFAULT_MODEL
from ser.web.settings import SETTINGS
from tests import synth
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / "scripts").glob("[!_]*.py")))
def test_every_script_is_in_the_readme(script):
    assert f"scripts/{script}" in README


def test_every_script_in_the_readme_is_there():
    for name in re.findall(r"scripts/(\w+\.py)", README):
        assert (ROOT / "scripts" / name).is_file(), name


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda s: s.variable)
def test_every_setting_is_in_the_readme_with_its_default(setting):
    default = setting.default
    shown = default.relative_to(ROOT) if setting.variable == "SER_MODEL" else default
    shown = f"{shown:g}" if isinstance(shown, float) else shown
    assert f"| `{setting.variable}` | `{shown}` | {setting.meaning} |" in README


@pytest.mark.parametrize("name", [*RECIPES, *PROTOCOLS, *FEATURE_SETS, *CORPORA])
def test_every_named_choice_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("label_set", LABEL_SETS.values(), ids=lambda g: g.name)
def test_every_grouping_is_in_the_readme(label_set):
    (row,) = re.findall(rf"^\| `{label_set.name}` \| (.*) \|$", README, re.MULTILINE)
    if label_set.name == "10":
        assert row == "those of `5`, women and men apart"
    else:
        assert set(label_set.classes) | set(label_set.labels) == set(re.findall(r"\w+", row))


@pytest.mark.parametrize("change", AUGMENTATIONS)
def test_every_change_of_the_waveform_is_in_the_readme(change):
    assert f"\n| `{change}` | " in README


def test_the_figures_of_the_readme_are_those_of_the_model_file():
    metadata = read_model_file(DEFAULT_MODEL).metadata
    assert metadata.comparisons
    for scores in (metadata.scores, *metadata.comparisons.values()):
        for name, figures in scores.items():
            row = f"| `{name}` | {figures['uar']:.1%} | {figures['accuracy']:.1%} |"
            assert f"{row} `{figures['recipe']}`" in README
    own, other = metadata.scores["actors5"], metadata.comparisons["conv1d-mfcc40"]["actors5"]
    for condition, uar in own["uar_by_condition"].items():
        (row,) = (line for line in README.splitlines() if line.startswith(f"| {condition} |"))
        assert f" {uar:.1%} " in row
        assert row.endswith(f" {other['uar_by_condition'][condition]:.1%} |")


def test_the_links_within_the_project_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text()):
            assert (ROOT / target).exists(), f"{page}: {target}"


def test_requirements_are_pinned_and_name_no_registry():
    for name in ("requirements", "requirements-train", "requirements-dev"):
        text = (ROOT / f"{name}.txt").read_text()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert all(re.match(r"[A-Za-z0-9._-]+==[\w.]+( ; .+)?$", line) for line in lines)
        assert "://" not in text
    assert "audioop-lts==" in (ROOT / "requirements-train.txt").read_text()
    serving = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"^(tensorflow|matplotlib|pydub)==", serving, re.MULTILINE)


def test_the_examples_of_contributing_work():
    """Each is the file it claims to be: a corpus, a feature set, a recipe."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    corpus, features, recipe = (
        _run(code) for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    )
    utterance = corpus["CORPUS"].parse(Path("rab-f1-b1.wav"))
    assert (utterance.speaker, utterance.emotion) == ("emovo-f1", "angry")
    assert corpus["CORPUS"].parse(Path("OAF_back_angry.wav")) is None
    declared = features["FEATURES"]
    assert declared.extract(synth.voice(1.0)).shape == declared.shape
    model = recipe["RECIPE"].build(declared.shape, 8)
    assert model.output_shape == (None, 8)
    assert recipe["RECIPE"].features == declared.name


def _run(code: str) -> dict:
    names: dict = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # noqa: S102 - our own examples
    return names
