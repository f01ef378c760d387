"""The check against recorded networks, on recordings made here and on those of PiNN, if present."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from numpy_pinet2 import Weights, direction_matrix, forward, pairs_of, radial

from mepflow.__main__ import main
from mepflow.nn.pinet2 import parity
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.recorded_network import load_recorded
from pinet2_cases import ELEMENTS, RECORDINGS, all_outputs, molecule, settings

RECORDED = ("a_rank3_n16", "b_rank5_n16", "c_rank3_n64", "d_rank3_n16_weighted")
MOLECULES = [molecule(1, 5), molecule(2, 3)]


def hyperparameters(chosen):
    nodes = {f"{name}_nodes": list(widths) for name, widths in chosen.layers._asdict().items()}
    return nodes | {
        "atom_types": list(chosen.elements),
        "rc": chosen.cutoff_angstrom,
        "cutoff_type": chosen.cutoff_function,
        "basis_type": chosen.basis,
        "n_basis": chosen.n_basis,
        "gamma": chosen.gamma_per_angstrom2,
        "center": None,
        "out_units": 1,
        "out_extra": dict.fromkeys(chosen.outputs[1:], 1),
        "out_pool": False,
        "act": "tanh",
        "depth": chosen.depth,
        "weighted": chosen.weighted,
        "rank": chosen.rank,
    }


def recording(rank=5):
    """Return the arrays of a recording whose results come from the NumPy implementation."""
    chosen = settings(rank=rank, weighted=True, outputs=all_outputs(rank), pinn_compatible=True)
    species = np.concatenate([species for species, _ in MOLECULES])
    positions = np.concatenate([positions for _, positions in MOLECULES]).astype(np.float32)
    atoms = np.repeat([0, 1], [5, 3])
    weights = Weights(seed=3)
    forward(chosen, weights, species, positions.astype(float), atoms)
    for name, values in weights.items():
        weights[name] = values.astype(np.float32)
    outputs, inner = forward(chosen, weights, species, positions.astype(float), atoms)
    pairs = pairs_of(chosen, positions.astype(float), atoms)
    backwards = slice(None, None, -1)
    found = {name: v[backwards] if "/i" in name else v for name, v in inner.items()}
    found["nl/ind_2"] = np.array([(i, j) for i, j, *_ in pairs])[backwards]
    found["nl/dist"] = np.array([d for *_, d, _ in pairs])[backwards]
    found["d3"] = np.array([u for *_, u in pairs])[backwards]
    found["d5"] = np.array([direction_matrix(u) for *_, u in pairs])[backwards]
    found["basis"] = np.array([radial(chosen, d) for *_, d, _ in pairs])[backwards]
    found["output"] = outputs["p1"]
    found |= {f"out_extra/{name}": outputs[name][:, :, None] for name in chosen.outputs[1:]}
    means = [outputs["p1"][atoms == m].mean() for m in (0, 1)]
    found["model/ac_charges"] = charges = outputs["p1"] - np.repeat(means, [5, 3])
    dipoles = [charges[atoms == m] @ positions[atoms == m].astype(float) for m in (0, 1)]
    found["model/ac_dipole_vec"] = np.array(dipoles)
    arrays = {f"w/{name}": values for name, values in weights.items()}
    for precision, dtype in (("f32", np.float32), ("f64", np.float64)):
        for name, values in found.items():
            kept = values if values.dtype.kind == "i" else values.astype(dtype)
            arrays[f"{precision}/{name}"] = kept
    return arrays | {
        "hyperparameters_json": np.array(json.dumps(hyperparameters(chosen))),
        "in/elems": np.array(ELEMENTS)[species],
        "in/coord": positions,
        "in/ind_1": atoms[:, None],
        "in/names": np.array(["first", "second"]),
    }


def check(tmp_path, arrays):
    path = tmp_path / "network.npz"
    np.savez(path, **arrays)
    return main(["check-pinn", str(path)])


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_agreement_is_status_0_and_every_array_is_listed(tmp_path, capsys, rank):
    arrays = recording(rank)
    assert check(tmp_path, arrays) == 0
    listed = capsys.readouterr().out
    for name in arrays:
        precision, _, short = name.partition("/")
        assert precision not in ("f32", "f64") or f"\n{short} " in listed
    lines = listed.splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1, "columns are aligned"
    assert lines[-1] == f"all {len(lines) - 3} arrays agree"


@pytest.mark.parametrize(
    ("name", "change"), [("f64/output", 2e-10), ("f64/block1/i5", 2e-10), ("f32/output", 6e-6)]
)
def test_one_deviating_number_is_status_1(tmp_path, capsys, name, change):
    arrays = recording()
    arrays[name] = arrays[name].copy()
    arrays[name].flat[3] += change
    assert check(tmp_path, arrays) == 1
    out = capsys.readouterr().out
    marked = [line for line in out.splitlines() if line.endswith("differs")]
    assert [line.split()[0] for line in marked] == [name.partition("/")[2]]
    assert out.splitlines()[-1].startswith("1 of ")


def test_not_a_number_is_a_deviation(tmp_path):
    arrays = recording()
    arrays["f64/output"][0] = np.nan
    assert check(tmp_path, arrays) == 1


def test_another_weight_is_status_1(tmp_path):
    arrays = recording()
    arrays["w/gc_blocks.1.equivar_p5_layer.dot_layer.wi.kernel"][0, 0] += 1e-4
    assert check(tmp_path, arrays) == 1


def changed(name, values):
    return lambda arrays: arrays | {name: values}


def without(name):
    return lambda arrays: {key: values for key, values in arrays.items() if key != name}


def with_hyperparameter(**values):
    def change(arrays):
        recorded = json.loads(str(arrays["hyperparameters_json"])) | values
        return arrays | {"hyperparameters_json": np.array(json.dumps(recorded))}

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("in/coord"), "not a recorded PiNN network: it has no in/coord"),
        (without("f32/output"), "it has no f32/output"),
        (changed("hyperparameters_json", np.array("{")), "cannot build"),
        (with_hyperparameter(rank=4), "use one of 1, 3, 5"),
        (with_hyperparameter(act="relu"), "only 'tanh' is known"),
        (with_hyperparameter(out_extra={"p3": 2}), "only one channel"),
        (with_hyperparameter(out_extra={"i3": 1}), "has p1, p3, p5"),
        (with_hyperparameter(depth=3), "other weights than its settings"),
        (with_hyperparameter(n_basis=6), "weights"),
        (with_hyperparameter(depth=3.5), "cannot build (network setting depth is 3.5"),
        (with_hyperparameter(gamma=10**30), "cannot build (network setting gamma"),
        (with_hyperparameter(n_basis=10**4), "weights"),
        (with_hyperparameter(ii_nodes=[]), "cannot build"),
        (changed("f64/nl/ind_2", np.zeros(6, int)), "damaged: f64/nl/ind_2"),
        (changed("f64/nl/ind_2", np.zeros((6, 2), int)), "f64/nl/ind_2 of shape (6, 2)"),
        (without("w/res_update1.0.transform.kernel"), "residuals.0.p1.transform.weight"),
        (changed("w/unknown.kernel", np.zeros((2, 2))), "unknown.weight"),
        (changed("f64/mystery", np.zeros(2)), "f64/mystery"),
        (changed("f64/output", np.zeros(2)), "f64/output of shape (2,)"),
        (changed("f64/output", np.array(["a"] * 8)), "damaged: f64/output"),
        (changed("in/ind_1", np.zeros((3, 1), int)), "damaged: in/ind_1"),
        (changed("in/ind_1", np.array([[0, 1, 0, 1, 0, 1, 0, 1]]).T), "not sorted by molecule"),
    ],
)
def test_a_foreign_or_damaged_recording_is_one_sentence(tmp_path, capsys, change, words):
    assert check(tmp_path, change(recording())) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert "network.npz" in captured.err


def truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(64)
    path.write_bytes(damaged)


def emptied(path):
    path.write_bytes(b"")


def replaced_by_text(path):
    path.write_text("not a network")


def replaced_by_one_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def replaced_by_objects(path):
    np.savez(path, hyperparameters_json=np.array([{}], dtype=object))


def replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


def removed(path):
    path.unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        flipped,
        emptied,
        replaced_by_text,
        replaced_by_one_array,
        replaced_by_objects,
        replaced_by_a_folder,
        removed,
    ],
)
def test_an_unreadable_file_is_one_sentence(tmp_path, capsys, spoil):
    path = tmp_path / "network.npz"
    np.savez_compressed(path, **recording())
    spoil(path)
    assert main(["check-pinn", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(path) in error


def recorded_path(name):
    path = RECORDINGS / f"{name}.npz"
    if not path.exists():
        pytest.skip("no recorded networks here")
    return path


@pytest.mark.parametrize("name", RECORDED)
def test_networks_recorded_from_pinn(name):
    found = parity.deviations(recorded_path(name))
    assert all(row.agrees for row in found)
    largest = max(row.largest.get("f64", 0.0) for row in found)
    assert largest < 1e-13
    assert max(row.largest.get("f32", 0.0) for row in found) < 5e-6
    names = {row.name for row in found}
    assert {"output", "out_extra/p3", "model/ac_ad_dipole_vec", "block4/p3_new"} <= names


def test_the_command_on_a_file_of_another_kind(capsys, tmp_path):
    path = shutil.copy(recorded_path("speed_molecules"), tmp_path)
    assert main(["check-pinn", str(path)]) == 2
    assert "not a recorded PiNN network" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a_rank3_n16", "d_rank3_n16_weighted"])
def test_our_own_mode_is_pinn_without_the_vector_bias(name):
    """The default network of rank 3 differs from PiNN's by nothing but the biases of the heads."""
    recorded = load_recorded(recorded_path(name))
    model = PiNet2(replace(recorded.settings, pinn_compatible=False)).double()
    weights = recorded.model.state_dict()
    model.load_state_dict({key: weights[key] for key in model.state_dict()})
    outputs = model(recorded.graph)
    for ours, theirs in (("p1", "output"), ("p3", "out_extra_headbias0/p3")):
        expected = recorded.arrays[f"f64/{theirs}"].reshape(outputs[ours].shape)
        np.testing.assert_allclose(outputs[ours].detach().numpy(), expected, rtol=0, atol=1e-13)
