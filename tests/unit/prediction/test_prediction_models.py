"""Which model files a prediction uses."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mepflow.errors import InputError
from mepflow.models.domain import TrainingDomain
from mepflow.prediction import model_folder as module
from mepflow.prediction.model_folder import Ensemble, model_files
from mepflow.storage.shipped_files import SHIPPED_MODELS, write_checksums

DOMAIN = {"molecules": 9, "atoms": [1, 4], "elements": {"H": 9}, "total_charges": [0]}


def test_models_of_a_variant_in_the_order_of_their_seeds(models: Path) -> None:
    assert [path.parent.name for path in model_files(models)] == ["seed-1", "seed-2", "seed-10"]
    ensemble = Ensemble.load(models)
    assert [info.provenance["seed"] for info in ensemble.infos] == [1, 2, 10]
    assert ensemble.name == "AC-AD-DQ-c"
    assert ensemble.elements == (1, 6, 7, 8, 9)
    assert len(ensemble.domains) == 1
    assert ensemble.domains[0].atoms == (3, 12)
    assert next(ensemble.models[0].parameters()).dtype == torch.float32
    double = Ensemble.load(models, double_precision=True)
    assert next(double.models[0].parameters()).dtype == torch.float64


def test_one_file_and_a_folder_of_files(tmp_path: Path, save: Callable[..., Path]) -> None:
    for seed in (11, 2):
        save(tmp_path / f"seed-{seed}.pt", seed)
    assert [path.name for path in model_files(tmp_path)] == ["seed-2.pt", "seed-11.pt"]
    ensemble = Ensemble.load(tmp_path / "seed-11.pt")
    assert len(ensemble.models) == 1
    assert ensemble.domains == ()


def test_the_default_folder(
    tmp_path: Path, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHIPPED_MODELS, "default", tmp_path)
    save(tmp_path / "seed-1.pt", name="AC-DQ")
    write_checksums(tmp_path, ["seed-1.pt"])
    assert Ensemble.load().name == "AC-DQ"


def test_domains_that_differ_or_are_damaged(tmp_path: Path, save: Callable[..., Path]) -> None:
    other = DOMAIN | {"atoms": [2, 3]}
    for seed, domain in enumerate((DOMAIN, DOMAIN, other, {"atoms": 3}, {}, None, [1])):
        save(tmp_path / f"seed-{seed}.pt", seed, domain=domain)
    domains = Ensemble.load(tmp_path).domains
    assert domains == (TrainingDomain.from_dict(DOMAIN), TrainingDomain.from_dict(other))


def test_shells_that_all_models_learned_with(tmp_path: Path, save: Callable[..., Path]) -> None:
    widths = {"H": 0.5, "O": 0.25}
    for seed in (1, 2):
        save(tmp_path / f"seed-{seed}.pt", seed, penetration_bohr=widths)
    assert Ensemble.load(tmp_path).penetration == widths
    save(tmp_path / "seed-3.pt", 3, penetration_bohr=widths | {"O": 0.375})
    assert Ensemble.load(tmp_path).penetration is None
    for nonsense in ([1], {"H": "wide"}, {"H": float("nan")}, {"H": -1.0}, None):
        file = save(tmp_path / "other" / "seed-1.pt", penetration_bohr=nonsense)
        assert Ensemble.load(file).penetration is None


def test_what_is_no_model(tmp_path: Path, models: Path, save: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"none.pt does not exist"):
        Ensemble.load(tmp_path / "none.pt")
    with pytest.raises(InputError, match=r"holds no model .*: give another folder"):
        Ensemble.load(tmp_path)
    with pytest.raises(InputError, match="give the folder of one of AC-AD-DQ-c"):
        Ensemble.load(models.parent)
    save(tmp_path / "a.pt", 1)
    save(tmp_path / "b.pt", 1, name="AC-DQ")
    with pytest.raises(InputError, match=r"several variants \(AC-AD-DQ-c, AC-DQ\)"):
        Ensemble.load(tmp_path)
    (tmp_path / "b.pt").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"b.pt is damaged"):
        Ensemble.load(tmp_path)


def test_too_many_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_MODELS", 1)
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="holds 2 models, more than 1"):
        model_files(tmp_path)
