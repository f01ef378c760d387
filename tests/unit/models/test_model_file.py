import os
import resource
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
import torch

from mepflow.errors import InputError
from mepflow.models.model_file import load_model, save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings


@pytest.fixture
def model(network: dict[str, Any], variant: Variant) -> MultipoleModel:
    settings = PiNet2Settings.from_dict(
        {**network, "elements": (1, 6, 8), "outputs": variant.outputs}
    )
    torch.manual_seed(1)
    return MultipoleModel(settings, variant)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_comes_back_as_it_was(
    tmp_path: Path, model: MultipoleModel, dtype: torch.dtype
) -> None:
    model.to(dtype)
    settings = {"steps": 7, "schedule": {"kind": "cosine"}}
    save_model(tmp_path / "model.pt", model, model.state_dict(), {"seed": 3}, settings)
    found, info = load_model(tmp_path / "model.pt", "cpu")
    assert (info.variant, info.settings) == (model.variant, model.settings)
    assert info.elements == (1, 6, 8)
    assert (info.provenance, info.training) == ({"seed": 3}, settings)
    expected = model.state_dict()
    assert list(found.state_dict()) == list(expected)
    for name, values in found.state_dict().items():
        assert values.dtype == dtype
        assert torch.equal(values, expected[name])


def test_the_file_is_plain_and_complete(tmp_path: Path, model: MultipoleModel) -> None:
    save_model(tmp_path / "model.pt", model, model.state_dict(), {})
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    assert (content["format"], content["format_version"]) == ("mepflow model", 2)
    assert content["elements"] == [1, 6, 8]
    assert content["variant"]["name"] == model.variant.name
    assert content["network"]["depth"] == model.settings.depth


def test_a_file_of_version_1_is_read_as_before(tmp_path: Path, model: MultipoleModel) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {"seed": 3})
    content = torch.load(path, weights_only=True)
    # What version 1 had: a weight for both targets, one kind of network, no settings of training.
    weights = {"dipole": 1.0, "quadrupole": 0.0}
    old = content | {"format_version": 1, "variant": content["variant"] | {"loss_weights": weights}}
    del old["training"], old["network"]["kind"]
    torch.save(old, path)
    found, info = load_model(path, "cpu")
    assert info.variant.loss_weights == {"dipole": 1.0}
    assert (info.settings, info.training) == (model.settings, {})
    assert all(torch.equal(v, found.state_dict()[k]) for k, v in model.state_dict().items())


class Payload:
    """Whose unpickling would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_with_code_in_it_runs_none(tmp_path: Path) -> None:
    torch.save({"format": "mepflow model", "x": Payload(tmp_path / "pwned")}, tmp_path / "bad.pt")
    with pytest.raises(InputError, match="is damaged or not a model file"):
        load_model(tmp_path / "bad.pt", "cpu")
    assert not (tmp_path / "pwned").exists()


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, model: MultipoleModel) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(InputError, match=r"model\.pt does not exist: train the model first"):
        load_model(path)
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(InputError, match="is damaged or not a model file"):
        load_model(path)
    save_model(path, model, model.state_dict(), {})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="is damaged or not a model file"):
        load_model(path)
    torch.save({"step": 3}, path)
    with pytest.raises(InputError, match="is not a mepflow model file"):
        load_model(path)
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="is not a mepflow model file"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_version": 3}, r"newer than this program \(version 3, this mepflow reads up to 2"),
        ({"format_version": 0}, "damaged or not a model file"),
        ({"format_version": "2"}, "damaged or not a model file"),
        ({"network": {"kind": "none"}}, "does not describe a model"),
        ({"state": {}}, "does not describe a model"),
        ({"network": {"rank": 3}}, "does not describe a model"),
        ({"variant": {"name": "X"}}, "does not describe a model"),
        ({"variant": "X"}, "does not describe a model"),
    ],
)
def test_a_model_we_cannot_build_is_refused(
    tmp_path: Path, model: MultipoleModel, changes: dict[str, Any], said: str
) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {})
    torch.save({**torch.load(path, weights_only=True), **changes}, path)
    with pytest.raises(InputError, match=said) as error:
        load_model(path, "cpu")
    assert "\n" not in str(error.value)


def rewritten(path: Path, member: str, content: bytes, compression: int = ZIP_STORED) -> None:
    """Replace a member of the file's zip archive."""
    with ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = next(name for name in members if name.endswith(member))
    with ZipFile(path, "w", compression) as archive:
        for key, value in {**members, name: content}.items():
            archive.writestr(key, value)


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x09bytearray\x93\x8a\x06\0\0\0\0\0\x01\x85R.",
        b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.",
        b"\x80\x02ctorch._utils\n_rebuild_meta_tensor_no_storage\n)R.",
    ],
)
def test_a_pickle_that_asks_for_more_than_tensors_is_not_read(
    tmp_path: Path, model: MultipoleModel, code: bytes
) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {})
    rewritten(path, "data.pkl", code)
    with pytest.raises(InputError, match="is damaged or not a model file"):
        load_model(path, "cpu")


def test_a_compressed_file_is_not_read(tmp_path: Path, model: MultipoleModel) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {})
    rewritten(path, "data/0", bytes(50_000_000), ZIP_DEFLATED)
    with pytest.raises(InputError, match="is damaged or not a model file"):
        load_model(path, "cpu")


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 10**12},
        {"nodes": 10**6},
        {"n_basis": 10**15},
        {"nodes": 2**62},
        {"depth": 2.0},
        {"nodes": float("nan")},
        {"elements": list(range(1, 10**5))},
        {"layer_nodes": {"pi": [4] * 10**5, "ii": [4], "pp": [4], "out": [4]}},
    ],
)
def test_a_network_larger_than_its_weights_takes_no_memory(
    tmp_path: Path, model: MultipoleModel, changes: dict[str, Any]
) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {})
    content = torch.load(path, weights_only=True)
    content["network"] |= changes
    torch.save(content, path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="does not describe a model"):
        load_model(path, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 19


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.long(),
        lambda weight: weight.to(torch.complex64),
        lambda weight: weight.half(),
        lambda weight: weight.flatten()[:1].clone().expand(weight.shape),
        lambda weight: weight[None],
        lambda weight: [1.0],
    ],
)
def test_weights_of_another_kind_are_refused(
    tmp_path: Path, model: MultipoleModel, change: Any
) -> None:
    path = tmp_path / "model.pt"
    save_model(path, model, model.state_dict(), {})
    content = torch.load(path, weights_only=True)
    name = max(content["state"], key=lambda key: content["state"][key].numel())
    content["state"][name] = change(content["state"][name])
    torch.save(content, path)
    with pytest.raises(InputError, match=r"does not describe a model|not a model file"):
        load_model(path, "cpu")
