"""The picture for a notebook holds the atoms and the cube; without py3Dmol a sentence says so."""

import sys

import pytest
from ase import Atoms

from mepflow.errors import InputError
from mepflow.prediction.predictor import Predictor


def test_the_view_holds_atoms_and_potential(predictor: Predictor, ethanol: Atoms) -> None:
    pytest.importorskip("py3Dmol")
    prediction = predictor.predict(ethanol, 0)
    page = prediction.view()._make_html()
    x, y, z = ethanol.positions[0]
    assert f"C {x:.6f} {y:.6f} {z:.6f}" in page
    assert "hartree/e, predicted by mepflow" in page
    assert '"gradient": "rwb"' in page


def test_without_py3dmol_a_sentence_says_so(
    predictor: Predictor, ethanol: Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "py3Dmol", None)
    with pytest.raises(InputError, match="pip install py3Dmol"):
        predictor.predict(ethanol, 0).view()
