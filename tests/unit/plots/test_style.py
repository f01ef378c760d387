import pytest

from mepflow.errors import ConfigError
from mepflow.evaluation.baselines import BASELINES
from mepflow.plots.style import (
    FAMILIES,
    OTHER_FAMILY,
    STYLES,
    appearance,
    drawing,
    family_of,
)


def test_no_two_representations_look_alike_without_their_colour(variants):
    families = {}
    for name in variants:
        families.setdefault(family_of(name).label, []).append(appearance(name))
    for looks in families.values():
        assert len({look.marker for look in looks}) == len(looks)
        assert len({look.line for look in looks}) == len(looks)
    colours = [appearance(name).colour for name in variants]
    assert len(set(colours)) == len(variants)


def test_family_is_what_a_variant_was_trained_on():
    assert family_of("AC-AD-DQ-dw100-c") is FAMILIES["DQ-dw100"]
    assert family_of("AC-AD-DQ") is FAMILIES["DQ"]
    assert family_of("AC-AD-D") is FAMILIES["D"]
    assert family_of("AC-Q") is FAMILIES["Q"]
    assert family_of("my-variant") is OTHER_FAMILY
    assert appearance("my-variant").colour == OTHER_FAMILY.colour


def test_baselines_have_a_look_of_their_own(variants):
    looks = [appearance(name) for name in BASELINES]
    assert len({look.marker for look in looks}) == len(looks)
    assert not {look.colour for look in looks} & {appearance(name).colour for name in variants}


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
