"""README and docs name everything that exists, nothing that does not, and the right figures."""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from scripts.benchmark.tables import READ
from ser.augmentation import AUGMENTATIONS
from ser.cli import COMMANDS
from ser.corpora import CORPORA
from ser.data.protocols import PATTERNS, PROTOCOLS
from ser.errors import WARNINGS
from ser.features import FEATURE_SETS
from ser.inference.embeddings import Embedder
from ser.labels import AROUSAL_VALENCE, CALM_UP_TO, LIVELY_FROM
from ser.models.label_sets import LABEL_SETS
from ser.models.model_file import read_model_file
from ser.models.recipes import RECIPES
from ser.reports.model_card import HUMAN_UAR
from ser.reports.recipe_table import MARKS
from ser.resources import DEFAULT_MODEL
from ser.web.errors import ERRORS
from ser.web.metrics import Metrics
from ser.web.openapi import describe
from ser.web.settings import SETTINGS, Settings
from tests import synth
from tests.conftest import ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
TEXTS = {path.stem: path.read_text() for path in PAGES}
README = TEXTS["README"]
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("[!_]*.py"))
# Commands whose script has another name; `import mcp` would find a script called mcp.
RENAMED = {"search": "grid_search", "mcp": "mcp_server"}
DESCRIBED = re.findall(r"^## ser (\w+)$", TEXTS["commands"], re.MULTILINE)


# README


def test_the_readme_is_short_and_in_order():
    assert len(README.splitlines()) <= 160
    assert re.findall(r"^## (.+)$", README, re.MULTILINE) == [
        "Run", "Ask with curl", "What the answer means", "How good it is", "Train your own",
        "Deploy", "Documentation", "Limits and licence",
    ]  # fmt: skip
    assert README.index("![") < README.index("## Run")


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_the_readme_lists_every_page(page):
    assert f"](docs/{page.name})" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert anchor in [h.lower().replace(" ", "-").replace("'", "") for h in headings], (
                target,
                anchor,
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_files_that_a_page_names_exist(page):
    named = re.findall(
        r"`((?:ser|tests|scripts|static|templates)/[\w/.]*\w\.\w+)`", page.read_text()
    )
    shown = re.findall(r"^### .*: `(.+)`$", page.read_text(), re.MULTILINE)  # a file to be added
    for name in set(named) - set(shown):
        assert (ROOT / name).is_file(), name


# Commands


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_in_the_docs(script):
    commands = {RENAMED.get(command, command) for command in COMMANDS}
    assert script in commands or f"`scripts/{script}.py`" in TEXTS["commands"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_script_and_command_in_the_docs_exists(page):
    text = page.read_text()
    for name in re.findall(r"scripts/([a-z_]+\.py)", text):
        assert (ROOT / "scripts" / name).is_file(), name
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if language not in ("", "bash"):
            continue
        assert set(re.findall(r"^ser (\w+)", block, re.MULTILINE)) <= set(COMMANDS)


def test_the_docs_have_every_command():
    assert sorted(DESCRIBED) == sorted(COMMANDS)
    for command in COMMANDS:
        assert f"| [`ser {command}`](#ser-{command}) | " in TEXTS["commands"]


class _Captured(BaseException):
    """Ends a command when it would read its arguments."""


@pytest.fixture
def parser_of(monkeypatch):
    """Return a function that gives the argument parser of a command."""

    def capture(parser, *_, **__):
        raise _Captured(parser)

    def find(command: str) -> argparse.ArgumentParser:
        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", capture)
        with pytest.raises(_Captured) as captured:
            importlib.import_module(f"ser.cli.{command}").main()
        return captured.value.args[0]

    return find


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_docs_with_its_default(command, parser_of):
    section = TEXTS["commands"].split(f"\n## ser {command}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+) \| (.*?) ?\| .+ \|$", section, re.MULTILINE)
    described = {name: default for cell, default in rows for name in _names(cell)}
    declared = {}
    for action in parser_of(command)._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        default = action.default
        if default == DEFAULT_MODEL:
            default = DEFAULT_MODEL.relative_to(ROOT)
        nothing = default is None or default is False or default == []
        shown = "" if nothing else f"`{default}`"
        for name in action.option_strings or re.findall(r"[\w.]+", str(action.metavar)):
            declared[name] = shown
    if declared.get("--jobs") == "`1`" and described.get("--jobs") == "`2`":
        declared["--jobs"] = "`2`"  # on a machine of one core
    assert described == declared


def _names(cell: str) -> list[str]:
    """Return the options of a cell such as "`--sex female` or `male`", or its arguments."""
    options = re.findall(r"--[\w-]+", cell)
    return options or re.findall(r"[A-Z_]+(?:\.json)?", cell)


# HTTP


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda s: s.variable)
def test_every_setting_is_in_the_docs_with_its_default(setting):
    default = setting.default
    shown = default.relative_to(ROOT) if setting.variable == "SER_MODEL" else default
    shown = f"{shown:g}" if isinstance(shown, float) else shown
    assert f"| `{setting.variable}` | `{shown}` | {setting.meaning} |" in TEXTS["settings"]


def test_no_other_setting_is_in_the_docs():
    rows = re.findall(r"^\| `([A-Z_]+)` \|", TEXTS["settings"], re.MULTILINE)
    assert rows == [setting.variable for setting in SETTINGS.values()]


def test_errors_and_warnings_are_in_the_docs():
    errors = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", TEXTS["http-api"], re.MULTILINE)
    assert errors == [(code, str(status), text) for code, (status, text) in ERRORS.items()]
    warnings = TEXTS["http-api"].split("| warning |")[1].split("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", warnings, re.MULTILINE)) == WARNINGS


def test_addresses_and_fields_are_in_the_docs():
    document = describe(Settings(), ["happy"])
    addresses = {
        f"{method.upper()} {path}" for path, at in document["paths"].items() for method in at
    }
    found = re.findall(r"^\| `((?:GET|POST) .+?)` \|", TEXTS["http-api"], re.MULTILINE)
    assert set(found) == addresses
    answer = document["components"]["schemas"]["Answer"]["properties"]
    assert set(re.findall(r"^\| `(\w+)` \| ", TEXTS["http-api"], re.MULTILINE)) >= set(answer)
    for field in document["components"]["schemas"]["Segment"]["properties"]:
        assert f"`{field}`" in TEXTS["http-api"]


def test_arousal_and_valence_are_in_the_docs():
    section = TEXTS["http-api"].split("\n## Arousal and valence\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (-?[\d.]+) \| (-?[\d.]+) \|$", section, re.MULTILINE)
    assert {e: (float(a), float(v)) for e, a, v in rows} == AROUSAL_VALENCE
    assert f"arousal is {LIVELY_FROM} or more" in section
    assert f"{CALM_UP_TO} or less" in section


def test_metrics_are_in_the_docs():
    names = re.findall(r"^# TYPE (ser_\w+) ", Metrics().to_text().decode(), re.MULTILINE)
    assert len(names) > 5
    for name in names:
        if not name.endswith("_created"):
            assert f"| `{name}` | " in TEXTS["http-api"]


# Training


@pytest.mark.parametrize("name", [*RECIPES, *PROTOCOLS, *PATTERNS, *FEATURE_SETS, *CORPORA])
def test_every_named_choice_is_in_the_docs(name):
    rows = [line for line in TEXTS["training"].splitlines() if line.startswith("| `")]
    assert any(f"`{name}`" in row.rsplit(" | ", 1)[0] for row in rows)


@pytest.mark.parametrize("label_set", LABEL_SETS.values(), ids=lambda g: g.name)
def test_every_label_set_is_in_the_docs(label_set):
    (row,) = re.findall(rf"^\| `{label_set.name}` \| (.*) \|$", TEXTS["training"], re.MULTILINE)
    if label_set.name == "10":
        assert row == "those of `5`, women and men apart"
    else:
        assert set(label_set.classes) | set(label_set.labels) == set(re.findall(r"\w+", row))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_every_augmentation_is_in_the_docs(augmentation):
    assert f"\n| `{augmentation}` | " in TEXTS["training"]


def test_the_readme_counts_the_recipes():
    assert f"There are {len(RECIPES)} recipes" in README


# Figures


@pytest.fixture(scope="module")
def metadata():
    return read_model_file(DEFAULT_MODEL).metadata


def test_the_figures_of_the_docs_are_those_of_the_model_file(metadata):
    assert metadata.comparisons
    for scores in (metadata.scores, *metadata.comparisons.values()):
        for name, figures in scores.items():
            row = f"| `{name}` | {figures['uar']:.1%} | {figures['accuracy']:.1%} |"
            assert f"{row} `{figures['recipe']}`" in TEXTS["figures"]


def test_the_figures_of_each_corpus_are_those_of_the_model_file(metadata):
    scores = metadata.scores["corpora"]
    own = scores["with_reference"]
    assert set(scores["by_corpus"]) == set(metadata.corpora)
    for corpus, without in scores["by_corpus"].items():
        with_reference = own["by_corpus"][corpus]
        certain = scores["certainty_by_split"][corpus]["certain"]
        uncertain = scores["certainty_by_split"][corpus]["uncertain"]
        for row in (
            f"{without['n']:,} | {without['uar']:.1%} | {with_reference['uar']:.1%} | "
            f"{without['uar_own_labels']:.1%} | {without['ece']:.1%} | "
            f"{without['uar_arousal']:.1%}",
            f"{certain['share']:.0%} | {certain['accuracy']:.0%} | {uncertain['accuracy']:.0%}",
        ):
            pattern = rf"^\| `{corpus}`.* {re.escape(row)} \|$"
            assert re.search(pattern, TEXTS["figures"], re.MULTILINE), row
    mean, mean_own = scores["mean_over_corpora"], own["mean_over_corpora"]
    row = f"| {mean['uar']:.1%} | {mean_own['uar']:.1%} | {mean['uar_own_labels']:.1%} |"
    assert (
        f"| **mean** | | | | | {row[2:]} {mean['ece']:.1%} | {mean['uar_arousal']:.1%} |"
        in (TEXTS["figures"])
    )
    (row,) = (line for line in README.splitlines() if line.startswith("| people in other"))
    assert f"| **{mean['uar']:.1%}** | **{mean_own['uar']:.1%}** |" in row
    # Those that the model before was not trained on.
    five = [corpus for corpus in scores["by_corpus"] if corpus not in ("ravdess", "tess")]
    of_five, of_five_own = (
        sum(by_corpus[corpus]["uar"] for corpus in five) / len(five)
        for by_corpus in (scores["by_corpus"], own["by_corpus"])
    )
    words = f"This one has {of_five:.1%} on them, with a reference {of_five_own:.1%}."
    assert words in " ".join(TEXTS["figures"].split())
    words = (
        f"mean UAR is {mean['uar']:.1%}, with a reference {mean_own['uar']:.1%}; on five of them "
        f"{of_five:.1%} and {of_five_own:.1%},"
    )
    assert words in " ".join(TEXTS["CHANGELOG"].split())


@pytest.fixture(scope="module")
def actors(metadata):
    """Return the scores for unseen actors of RAVDESS; the docs say so where there are none."""
    if "actors5" not in metadata.scores:
        assert "`conv1d-frames` is not measured by `actors5` yet" in TEXTS["figures"]
        pytest.skip("the shipped model is not measured by actors5")
    return metadata.scores["actors5"]


def test_the_figures_of_recording_conditions_are_those_of_the_model_file(metadata, actors):
    own, classic = actors, metadata.comparisons["conv1d-mfcc40"]["actors5"]
    before = metadata.comparisons["conv1d-actors"]["actors5"]
    for condition, uar in own["uar_by_condition"].items():
        rows = TEXTS["figures"].splitlines()
        (row,) = (line for line in rows if line.startswith(f"| {condition} |"))
        others = [
            scores["uar_by_condition"][condition]
            for scores in (own["with_reference"], before, classic)
        ]
        figures = " | ".join(f"{figure:.1%}" for figure in (uar, *others))
        assert row == f"| {condition} | {figures} |"


def test_the_figures_in_the_text_are_those_of_the_model_file(metadata, actors):
    own = actors
    low, high = own["interval"]["uar"]
    certain, uncertain = own["by_certainty"]["certain"], own["by_certainty"]["uncertain"]
    text = " ".join(TEXTS["figures"].split())
    for words in (
        f"speakers, is {low:.1%} to {high:.1%}",
        f"With a reference it is {own['with_reference']['uar']:.1%}",
        f"better ({own['uar_by_sex']['female']:.1%}) than men ({own['uar_by_sex']['male']:.1%})",
        f"strong emotions ({own['uar_by_intensity']['strong']:.1%})",
        f"normal ones ({own['uar_by_intensity']['normal']:.1%})",
        f"Human listeners reach {HUMAN_UAR:.1%}",
        f"calibration error is {own['ece']:.1%}",
        f"below {metadata.uncertain_below:.0%} carries",
        f"of which {uncertain['accuracy']:.0%} are right; of the others {certain['accuracy']:.0%}",
        f"reach {own['long_audio']['over_time']['3 s every 1.5 s']:.1%} over time",
        f"gives {own['long_audio']['over_time']['3 s every 1 s']:.1%}",
        f"({own['long_audio']['whole']['mean log probability']:.1%})",
    ):
        assert words in text


def test_the_figures_of_the_readme_are_those_of_the_model_file(metadata):
    for scores in (metadata.scores, *metadata.comparisons.values()):
        for name, figures in scores.items():
            if name == "corpora" or name.startswith("cross:"):
                continue  # the mean over the corpora is in the README, not that over the clips
            (row,) = (
                line
                for line in README.splitlines()
                if f"`{name}`" in line and f"`{figures['recipe']}`" in line and "|" in line
            )
            assert f" {figures['uar']:.1%} " in row.replace("*", " ")
    human = "human listeners, audio only, as papers on the same folds quote it"
    assert f"| {human} | {HUMAN_UAR:.1%} |" in README


def test_the_size_of_an_embedding_is_in_the_docs():
    size = Embedder.from_file(DEFAULT_MODEL).size
    assert f" = {size} numbers" in TEXTS["commands"]


def test_the_table_of_recipes_has_its_place():
    before, _, after = TEXTS["figures"].partition(MARKS[0])
    assert before
    assert MARKS[1] in after


def test_the_short_benchmark_is_part_of_the_full_one():
    names = [line.split(" | ")[0].removeprefix("| ") for line in TEXTS["benchmarks"].splitlines()]
    assert list(READ) == [name for name in names if name in READ][: len(READ)]
    short, full = (
        [line for line in part.splitlines() if line.startswith("| ")][1:]
        for part in TEXTS["benchmarks"].split("## Every figure")
    )
    assert 8 <= len(short) <= 12
    assert set(short) < set(full)


# Packages, contributing


def test_requirements_are_pinned_and_name_no_registry():
    for name in ("requirements", "requirements-train", "requirements-dev"):
        text = (ROOT / f"{name}.txt").read_text()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert all(re.match(r"[A-Za-z0-9._-]+==[\w.]+( ; .+)?$", line) for line in lines)
        assert "://" not in text
    assert "audioop-lts==" in (ROOT / "requirements-train.txt").read_text()
    serving = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"^(tensorflow|matplotlib|pydub)==", serving, re.MULTILINE)


def test_the_map_of_contributing_has_every_room():
    rooms = re.findall(r"^\| (`.+?) \| ", TEXTS["CONTRIBUTING"], re.MULTILINE)
    named = [name for cell in rooms for name in re.findall(r"`(.+?)`", cell)]
    actual = {
        f"ser/{path.name}/" if path.is_dir() else f"ser/{path.name}"
        for path in (ROOT / "ser").glob("[!_]*")
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert set(named) == actual | {"app.py"}


def test_the_answers_of_contributing_name_files():
    answers = re.findall(r"^\| [A-Z].+\? \| (.+) \|$", TEXTS["CONTRIBUTING"], re.MULTILINE)
    assert len(answers) == 10
    for answer in answers:
        paths = re.findall(r"`([\w/.]+)`", answer)
        assert paths
        assert all((ROOT / path).exists() for path in paths), answer


def test_the_examples_of_contributing_work():
    """Each is the file it claims to be: a corpus, a feature set, a recipe."""
    corpus, features, recipe = (
        _run(code) for code in re.findall(r"```python\n(.*?)```", TEXTS["CONTRIBUTING"], re.DOTALL)
    )
    utterance = corpus["CORPUS"].parse(Path("F03A01.wav"))
    assert (utterance.speaker, utterance.emotion) == ("shemo-F03", "angry")
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
