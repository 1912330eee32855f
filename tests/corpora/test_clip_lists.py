"""Lists of clips, as people and spreadsheets write them."""

import re

import pytest

from ser.corpora import CORPORA, scan
from ser.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the clips a, b and c_happy in its folder clips."""
    (tmp_path / "clips").mkdir()
    for name in ("a.wav", "b.wav", "c_happy.wav"):
        (tmp_path / "clips" / name).touch()
    return tmp_path


def read(folder, text, name="mine.csv"):
    """Return the file name, emotion, speaker and sex of each utterance of a list."""
    (folder / name).write_bytes(text.encode())
    found = scan([folder / name], CORPORA).utterances
    return [(u.path.relative_to(folder).as_posix(), u.emotion, u.speaker, u.sex) for u in found]


def test_a_list(folder):
    manifest = folder / "mine.csv"
    manifest.write_text(
        "\ufeffpath,emotion,speaker,note\nclips/a.wav,Anger,Ada,x\nclips/b.wav,sad,,\n"
        "clips/c_happy.wav,neutral,Bo,\n"
    )
    found = scan([manifest, folder / "clips"], CORPORA)
    assert [(u.emotion, u.speaker) for u in found.utterances] == [
        ("angry", "custom-Ada"), ("sad", ""), ("neutral", "custom-Bo"),
    ]  # fmt: skip
    assert [p.name for p in found.copies] == ["c_happy.wav"]  # the list was scanned first


EXPECTED = [("clips/a.wav", "angry", "custom-Ada", "female"), ("clips/b.wav", "sad", "", "")]


@pytest.mark.parametrize(
    "text",
    [
        "path,emotion,speaker,sex\nclips/a.wav,angry,Ada,female\nclips/b.wav,sad,,\n",
        "path;emotion;speaker;sex\nclips/a.wav;angry;Ada;female\nclips/b.wav;sad;;\n",
        "path\temotion\tspeaker\tsex\nclips/a.wav\tangry\tAda\tf\nclips/b.wav\tsad\t\t\n",
        "Path, Emotion, Speaker, Sex\nclips/a.wav, Angry, Ada, F\nclips/b.wav, sad, ,\n",
        "FILE;LABEL;SPEAKER;GENDER\r\nclips/a.wav;wütend;Ada;w\r\nclips/b.wav;Traurig\r\n",
        "label,filename,sex,speaker\nangry,clips/a.wav,Female,Ada\nsad,clips/b.wav,unknown,\n",
        ",File Name,emotion,Speaker-ID,gender\n0,clips/a.wav,anger,Ada,woman\n1,clips/b.wav,SAD\n",
        '\ufeff"path","emotion","speaker","sex"\n"clips/a.wav","angry","Ada","f"\n'
        '"clips/b.wav","sad","",""\n',
        'path, emotion, speaker, sex\n"clips/a.wav", "angry", "Ada", "f"\nclips/b.wav, sad\n',
        "\n\npath,emotion,speaker,sex\n\nclips/a.wav,angry,Ada,f\n,,,\n   \nclips/b.wav,sad\n\n",
        ";;;\npath;emotion;speaker;sex\nclips/a.wav;angry;Ada;f\n;;;\nclips/b.wav;sad;;\n;;;\n",
        "sep=;\npath;emotion;speaker;sex\nclips/a.wav;angry;Ada;f\nclips/b.wav;sad\n",
        "path,emotion,speaker,sex\nclips\\a.wav,angry,Ada,f\n.\\clips\\b.wav,sad,,\n",
        "path,emotion,speaker,sex,a,b\nclips/a.wav,angry,Ada,f,1.5,x;y;z\nclips/b.wav,sad,,,,\n",
        "a;b,path,emotion,speaker,sex\n1,clips/a.wav,angry,Ada,f\n2,clips/b.wav,sad,,\n",
    ],
)
def test_every_way_to_write_a_list(folder, text):
    assert read(folder, text) == EXPECTED


@pytest.mark.parametrize("name", ["mine.csv", "mine.CSV", "mine.tsv"])
def test_a_list_ends_in_csv_or_tsv(folder, name):
    text = "path\temotion\tspeaker\tsex\nclips/a.wav\tangry\tAda\tf\nclips/b.wav\tsad\t\t\n"
    assert read(folder, text, name) == EXPECTED


def test_another_file_is_no_list(folder):
    (folder / "mine.txt").write_text("path,emotion\nclips/a.wav,sad\n")
    with pytest.raises(UsageError, match=r"mine\.txt is no folder; a list of clips is a \.csv or"):
        scan([folder / "mine.txt"], CORPORA)


def test_the_separator_in_a_quoted_path(folder):
    (folder / "a, b.wav").touch()
    assert read(folder, 'path,emotion\n"a, b.wav",sad\n') == [("a, b.wav", "sad", "", "")]
    with pytest.raises(UsageError, match=r"line 2 has 3 cells, .* contains a comma in quotes"):
        read(folder, "path,emotion\na, b.wav,sad\n")


@pytest.mark.parametrize("name", ["clips/x41.wav", r"clips\\x41.wav", r"clips\x41.wav"])
def test_backslashes_are_folders_or_escapes(folder, name):
    (folder / "clips" / "x41.wav").touch()
    assert read(folder, f"path,emotion\n{name},sad\n") == [("clips/x41.wav", "sad", "", "")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clip,emotion\na.wav,sad\n", "separated by a comma, are: clip, emotion. There is no path"),
        ("clip;mood\na.wav;sad\n", "separated by a semicolon, are: clip, mood. There is no path or "
                                   "file or filename or filepath, and no emotion or label"),
        ("path\tmood\n", "separated by a tab, are: path, mood. There is no emotion or label"),
        ("", "its first line must name a column path and a column emotion, and can name speaker"),
        ("\n\n", "are: none. There is no path"),
        ("path,emotion\nclips/a.wav,sad\ngone.wav,sad\n", "line 3: no such file: .*gone.wav"),
        ("\npath,emotion\n\nclips/a.wav,sad\n\ngone.wav,sad\n", "line 6: no such file"),
        ("path,emotion\n,sad\n", "line 2: the path is empty"),
        ("path,emotion\nclips,sad\n", "line 2: no such file"),
        ("path,emotion\nclips/a.wav,amused\n", "line 2: unknown emotion 'amused'; known: neutral"),
        ("path,emotion\nclips/a.wav,Suprised\n", "'Suprised'; did you mean 'surprise'. known: neu"),
        ("path,emotion\nclips/a.wav,\n", "line 2: unknown emotion ''; known"),
        ("path,emotion,sex\nclips/a.wav,sad,x\n", "line 2: unknown sex 'x'; known: male, female"),
        ("path,emotion\nC:\\Users\\Ada\\a.wav,sad\n",
         r"line 2: C:.Users.Ada.a\.wav is an absolute path of Windows, .* such as clips/a\.wav"),
        ("path,emotion\n\\\\server\\share\\a.wav,sad\n", "is an absolute path of Windows"),
    ],
)  # fmt: skip
def test_an_invalid_list(folder, text, words):
    with pytest.raises(UsageError, match=words):
        read(folder, text)


RAVDESS = "03-01-05-01-02-01-10"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a.wav,sad,,", "b.wav,sad,,", "a.wav,angry,,"],
         "line 2 and .*, line 4 name the same .*, with the emotion sad and the emotion angry"),
        (["a.wav,sad,,", "../clips/./a.wav,happy,,"], "the emotion sad and the emotion happy"),
        (["a.wav,sad,Ada,", "a.wav,sad,Bo,"], "the speaker custom-Ada and the speaker custom-Bo"),
        (["a.wav,sad,Ada,f", "a.wav,sad,Ada,m"], "the sex female and the sex male"),
        ([f"{RAVDESS}.wav,sad,,", f"{RAVDESS}_angry.mp4,angry,,"], "the emotion sad and the emo"),
    ],
)  # fmt: skip
def test_lines_that_contradict_each_other(folder, rows, words):
    for name in (f"{RAVDESS}.wav", f"{RAVDESS}_angry.mp4"):
        (folder / "clips" / name).touch()
    text = "\n".join(["path,emotion,speaker,sex", *(f"clips/{row}" for row in rows)])
    with pytest.raises(UsageError, match=words):
        read(folder, text)


def test_lines_that_say_the_same_count_once(folder):
    text = "path,emotion,speaker\nclips/a.wav,sad,Ada\nclips/a.wav,Traurig,\nclips/b.wav,sad,\n"
    assert [row[0] for row in read(folder, text)] == ["clips/a.wav", "clips/b.wav"]


@pytest.mark.parametrize("content", ["path,emotion\nfröhlich.wav,happy\n".encode("latin-1"),
                                     "path,emotion\n".encode("utf-16")])  # fmt: skip
def test_a_list_that_is_not_utf_8(content, tmp_path):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"m\.csv is not a CSV file in UTF-8.*save it again"):
        scan([tmp_path / "m.csv"], CORPORA)


def test_a_name_of_a_corpus_says_the_speaker(folder):
    name = "03-01-05-01-02-01-10_angry.wav"
    for path in ("", "plain"):
        (folder / path).mkdir(exist_ok=True)
    (folder / name).touch()
    (folder / "plain" / "03-01-05-01-02-01-10.wav").touch()
    (folder / "m.csv").write_text(f"path,emotion,speaker,sex\n{name},calm,Ada,male\n")
    found = scan([folder / "m.csv", folder / "plain"], CORPORA)
    (utterance,) = found.utterances
    assert (utterance.corpus, utterance.speaker) == ("ravdess", "ravdess-10")
    assert utterance.emotion == "calm"  # the label is the user's
    assert utterance.sex == "female"
    assert len(found.copies) == 1


def test_a_sex_that_the_name_does_not_say(folder):
    (folder / "7895_kz_isirgan.wav").touch()
    text = "path,emotion,sex\n7895_kz_isirgan.wav,angry,male\n"
    assert read(folder, text) == [("7895_kz_isirgan.wav", "angry", "turev-7895", "male")]


def test_a_speaker_of_a_table_keeps_its_name(folder):
    text = "path,corpus,speaker,emotion\nclips/a.wav,custom,custom-Ada,sad\n"
    assert read(folder, text) == [("clips/a.wav", "sad", "custom-Ada", "")]


@pytest.mark.parametrize(
    ("name", "emotion"),
    [("Suprised/a.wav", "surprise"), ("tea_hapy.wav", "happy"), ("Wütent/a.wav", "angry")],
)
def test_a_name_that_is_nearly_an_emotion_gets_a_hint(tmp_path, name, emotion):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    found = scan([tmp_path], CORPORA)
    assert not found.utterances
    (hint,) = found.hints()
    word = re.split(r"[/_.]", name)[0 if "/" in name else 1]
    assert hint == f"{word!r} (1 file): did you mean {emotion!r}?"
    assert f"\n  {hint}\n" in found.summary()


def test_other_names_get_no_hint(tmp_path):
    for name in ("samples/a_word.wav", "speech/0001.wav", "train/my_test.wav", "sad/x.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert scan([tmp_path], CORPORA).hints() == []
