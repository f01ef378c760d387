"""The page as a whole: all of it is in the file, and what users wrote stays text."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from page_case import HOSTILE, MOLECULES, NOTE, Page
from PIL import Image

from mepflow.errors import InputError

LOADING = {"src", "href", "srcset", "data", "action", "poster", "background"}


class Elements(HTMLParser):
    """All elements with their attributes, and the text outside scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        if self.found[-1:] and self.found[-1][0] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def elements(page: Path) -> Elements:
    return Elements(page)


def test_nothing_is_loaded_from_elsewhere(elements: Elements) -> None:
    addresses = [
        value
        for _, attributes in elements.found
        for name, value in attributes.items()
        if name in LOADING
    ]
    assert len(addresses) > 5
    assert all(value.startswith(("data:", "#")) for value in addresses)


def test_style_sheet_loads_nothing(page: Path) -> None:
    styles = re.findall(r"<style>(.*?)</style>", page.read_text(), re.DOTALL)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_policy_forbids_what_is_not_in_the_file(elements: Elements) -> None:
    policies = [a["content"] for tag, a in elements.found if a.get("http-equiv")]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    assert "http" not in policies[0]
    assert "unsafe-eval" not in policies[0]


def test_what_users_wrote_stays_text(elements: Elements) -> None:
    assert not [tag for tag, a in elements.found if "onerror" in a or a.get("src") == "x"]
    assert HOSTILE in elements.text
    assert "small & <new>" in elements.text
    assert not [a for _, a in elements.found if (a.get("href") or "").startswith("javascript")]


def test_scenes_are_in_the_page(page: Path) -> None:
    text = re.search(r'id="viewer-data">(.*?)</script>', page.read_text(), re.DOTALL)[1]
    scenes = json.loads(text)["scenes"]
    assert [scene["id"] for scene in scenes] == [molecule.id for molecule in MOLECULES]
    assert scenes[1]["smiles"] == HOSTILE


def test_first_numbers_say_what_they_are_of(elements: Elements) -> None:
    text = " ".join(elements.text.split())
    assert text.count(NOTE) == 2  # under the card and the dataset's heading
    assert text.count("Learned from 5 structures, 2 for validation, 2 for the test.") == 2
    assert text.count("AC-AD-DQ-c has a smaller error than AC-D, by 1.2 [0.5, 2.0]") == 2
    assert "HF/6-31G*, density fitting" in text
    meanings = {a["title"] for tag, a in elements.found if tag == "abbr" and a.get("class")}
    assert "atomic charges, learned from dipole" in meanings


def test_floors_are_explained_only_where_there_are_any(
    case: Page, elements: Elements, tmp_path: Path
) -> None:
    assert "Floors are fitted" in elements.text
    without = replace(case, results=tmp_path / "results", views=[])
    shutil.copytree(case.results, without.results)
    for path in without.results.glob("*/tables/mep.csv"):
        lines = path.read_text().splitlines()
        path.write_text("\n".join(line for line in lines if "fitted" not in line))
    assert "Floors are fitted" not in Elements(without.make(tmp_path / "report.html")).text


def test_pictures_of_a_molecule_share_a_card(elements: Elements) -> None:
    cards = [a for _, a in elements.found if a.get("class") == "item tabbed"]
    assert [card["id"] for card in cards] == ["qm9-molecule-formaldehyde"]
    panels = [a["data-title"] for _, a in elements.found if a.get("class") == "panel"]
    assert panels == ["Potential in a plane", "Potential on the surface"]
    assert "formaldehyde, CH₂O (formaldehyde)" in elements.text


def test_copies_of_pictures_are_smaller(elements: Elements) -> None:
    """Lines and letters keep their pixels, maps of molecules (the first two) their colours."""
    uris = [a["src"] for tag, a in elements.found if tag == "img" and a.get("src")]
    found = []
    for uri in uris[:3]:
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
            found.append((image.size, image.mode))
            np.testing.assert_array_equal(np.unique(np.array(image.convert("RGB"))), [127])
    assert found == [((15, 10), "RGB"), ((15, 10), "RGB"), ((30, 20), "P")]


def test_tables_have_their_download(elements: Elements, case: Page) -> None:
    links = [a for tag, a in elements.found if "download" in a]
    assert [link["download"] for link in links] == ["qm9-mep.csv", "spice-mep.csv"]
    content = base64.b64decode(links[0]["href"].partition(",")[2])
    assert content == (case.results / "qm9/tables/mep.csv").read_bytes()


def test_figures_have_a_size_and_a_description(elements: Elements) -> None:
    images = [a for tag, a in elements.found if tag == "img"]
    assert len(images) == 4
    assert {(image["width"], image["height"]) for image in images} == {
        ("13", "9")
    }  # of 30 × 20 pixels
    assert images[2]["alt"].startswith("Picture, qm9")


def test_anchors_are_unique_and_links_lead_somewhere(elements: Elements) -> None:
    anchors = [a["id"] for _, a in elements.found if "id" in a]
    assert len(anchors) == len(set(anchors))
    links = {a["href"][1:] for _, a in elements.found if a.get("href", "").startswith("#")}
    assert links <= set(anchors)


def test_controls_have_labels(elements: Elements) -> None:
    controls = {a["id"] for tag, a in elements.found if tag in ("select", "input")}
    assert controls == {a["for"] for tag, a in elements.found if tag == "label"}


def test_dataset_without_surfaces_says_so(elements: Elements) -> None:
    assert elements.text.count("No molecular surface was computed") == 1


def test_page_without_any_surface(case: Page, tmp_path: Path) -> None:
    path = replace(case, views=[]).make(tmp_path / "report.html")
    elements = Elements(path)
    assert elements.text.count("No molecular surface was computed") == 2
    assert "viewer" not in {a.get("id") for _, a in elements.found}
    assert "plotly" not in path.read_text()[:100_000].lower().replace("plotly.js (mit", "")
    assert path.stat().st_size < 200_000


def test_a_study_without_the_potential_has_a_page(case: Page, tmp_path: Path) -> None:
    elements = Elements(replace(case, has_mep=False).make(tmp_path / "page.html"))
    assert "Learned from" in elements.text
    assert "kcal/mol/e, with its" not in elements.text
    assert not [
        attributes for tag, attributes in elements.found if attributes.get("class") == "bars"
    ]


def test_same_results_give_the_same_bytes(case: Page, page: Path, tmp_path: Path) -> None:
    assert case.make(tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_missing_files_are_named(case: Page, tmp_path: Path) -> None:
    for key, name in (("file", "gone.png"), ("csv", "gone.csv")):
        item = replace(case.items[-1], **{key: name})
        with pytest.raises(InputError, match=rf"{name} does not exist"):
            replace(case, items=[item]).make(tmp_path / "report.html")


def test_damaged_figure_is_refused(case: Page, tmp_path: Path) -> None:
    path = case.results / "broken.png"
    path.write_text("no picture")
    item = replace(case.items[-1], file="broken.png")
    with pytest.raises(InputError, match=r"broken\.png is not a PNG file"):
        replace(case, items=[item]).make(tmp_path / "report.html")
