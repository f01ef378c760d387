"""The models that come with mepflow beside the default ones."""

import numpy as np
import pytest

import mepflow
from mepflow.elements import symbol
from mepflow.errors import InputError
from mepflow.prediction.model_folder import model_files
from mepflow.storage.shipped_files import ORGANIC_ELEMENTS, SHIPPED_MODELS, shipped_folder


def test_organic_knows_the_elements_that_the_hint_names() -> None:
    predictor = mepflow.load("organic")
    assert tuple(symbol(z) for z in predictor.ensemble.elements) == ORGANIC_ELEMENTS
    assert len(predictor.ensemble.models) == 5
    assert predictor.ensemble.penetration is not None


def test_the_default_models_name_those_that_know_more() -> None:
    with pytest.raises(InputError, match="--model organic"):
        mepflow.predict("CCl")
    with pytest.raises(InputError, match="leave it out, or train with that element"):
        mepflow.predict("C[SiH3]")


def test_chloromethane_is_polar_towards_chlorine() -> None:
    prediction = mepflow.load("organic").predict("CCl")
    carbon, chlorine = prediction.molecule.positions[:2]
    towards = (chlorine - carbon) / np.linalg.norm(chlorine - carbon)
    assert -3.0 < prediction.dipole @ towards * 2.5417 < -1.0
    assert prediction.charges.sum() == pytest.approx(0.0, abs=1e-10)


def test_a_path_of_the_users_comes_first(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped_folder("organic") == SHIPPED_MODELS["organic"]
    (tmp_path / "organic").mkdir()
    assert shipped_folder("organic") is None
    with pytest.raises(InputError, match="holds no model"):
        model_files("organic")
