import pytest

from mepflow.errors import ConfigError
from mepflow.plots.style import STYLES, drawing


@pytest.mark.parametrize("style", STYLES)
def test_files_are_the_same_twice_and_hold_no_date(tmp_path, style):
    contents = []
    for attempt in ("first", "second"):
        outputs = [tmp_path / f"{attempt}.png", tmp_path / f"{attempt}.pdf"]
        with drawing(2.0, 1.5, outputs, style) as figure:
            figure.add_subplot().plot([0, 1], [1, 2], label="curve")
        contents.append([output.read_bytes() for output in outputs])
    assert contents[0] == contents[1]
    png, pdf = contents[0]
    assert b"CreationDate" not in pdf
    assert b"Software" not in png


def test_fonts_are_embedded_as_truetype(tmp_path):
    with drawing(2.0, 1.5, [tmp_path / "a.pdf"]) as figure:
        figure.add_subplot().set_xlabel("length (Å)")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in content
    assert b"/CIDFontType2" in content or b"/FontFile2" in content


def test_unknown_style_and_format_are_refused(tmp_path):
    with (
        pytest.raises(ConfigError, match=r"figures\.style 'fancy' does not exist: use default"),
        drawing(1.0, 1.0, [tmp_path / "a.png"], "fancy"),
    ):
        pass
    with pytest.raises(ConfigError, match=r"a\.jpg"), drawing(1.0, 1.0, [tmp_path / "a.jpg"]):
        pass


def test_a_failed_drawing_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), drawing(1.0, 1.0, [tmp_path / "a.png"]):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
