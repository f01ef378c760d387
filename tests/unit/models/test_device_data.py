from dataclasses import replace

import numpy as np
import pytest
import torch

from mepflow.errors import InputError
from mepflow.models import device_data
from mepflow.models.device_data import DeviceDataset, elements_of
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.nn.graph import Graph, build_graph, species_of
from mepflow.units import BOHR_IN_ANGSTROM

ELEMENTS = (8, 6, 1)
CUTOFF = 2.0


def reference_graph(table: MoleculeTable, rows: list[int]) -> Graph:
    molecules = [table.molecule(row) for row in rows]
    return build_graph(
        [
            (species_of(m.atomic_numbers, ELEMENTS), m.positions * BOHR_IN_ANGSTROM)
            for m in molecules
        ],
        CUTOFF,
    )


# Molecules 0, 6 and 12 are single atoms, without a pair; the last list is all in reverse.
@pytest.mark.parametrize("rows", [[5], [0], [3, 0, 6, 17], [4, 4, 1], list(range(17, -1, -1))])
def test_a_batch_is_the_graph_of_its_molecules(table: MoleculeTable, rows: list[int]) -> None:
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF, dtype=torch.float64)
    batch = dataset.batch(np.array(rows))
    expected = reference_graph(table, rows)
    for name, values in vars(expected).items():
        found = getattr(batch.graph, name)
        if name in ("distance", "direction"):
            torch.testing.assert_close(found, values, rtol=0, atol=1e-14)
        else:
            assert (found == values) if name == "n_molecules" else torch.equal(found, values), name
    relative = []
    for row in rows:
        molecule = table.molecule(row)
        centre = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
        relative.append(molecule.positions - centre)
    np.testing.assert_allclose(batch.positions, np.concatenate(relative), rtol=0, atol=1e-14)
    assert batch.total_charge.tolist() == [0.0] * len(rows)


def test_the_data_do_not_depend_on_how_many_molecules_are_built_at_a_time(
    table: MoleculeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
    monkeypatch.setattr(device_data, "_BUILT_AT_ONCE", 4)
    in_parts = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
    for rows in ([17, 3, 4, 0, 9], range(18)):
        one, other = (dataset.batch(np.array(rows)) for dataset in (at_once, in_parts))
        for name, values in vars(one.graph).items():
            found = getattr(other.graph, name)
            assert name == "n_molecules" or torch.equal(found, values), name


def test_no_molecules_are_an_empty_set(table: MoleculeTable) -> None:
    assert len(DeviceDataset.from_table(table.select([]), ELEMENTS, CUTOFF)) == 0


def test_pairs_are_sorted(table: MoleculeTable) -> None:
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
    graph = dataset.batch(np.array([17, 2, 11, 4])).graph
    order = graph.pair_i * len(graph.species) + graph.pair_j
    assert len(order) > 20
    assert (order.diff() > 0).all()


def test_total_charges_reach_the_batch(table: MoleculeTable) -> None:
    table = table.select([0, 1, 2])
    table = replace(table, total_charge=np.array([0, 1, -2]))
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
    assert dataset.batch(np.array([2, 0, 1])).total_charge.tolist() == [-2.0, 0.0, 1.0]


def test_real_numbers_have_the_dtype_asked_for(table: MoleculeTable) -> None:
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF, dtype=torch.float32)
    batch = dataset.batch(np.array([1, 2]))
    real = (batch.graph.distance, batch.graph.direction, batch.positions, batch.total_charge)
    assert {values.dtype for values in real} == {torch.float32}
    assert batch.graph.pair_i.dtype == batch.graph.species.dtype == torch.int64


def test_chunks_are_all_rows_in_order(table: MoleculeTable) -> None:
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
    assert [len(chunk) for chunk in dataset.chunks(7)] == [7, 7, 4]
    assert np.concatenate(dataset.chunks(7)).tolist() == list(range(18))


def test_an_element_the_network_does_not_know_is_named(table: MoleculeTable) -> None:
    with pytest.raises(InputError, match=r"^ref\.h5: molecule m02 contains O, .*knows C, H"):
        DeviceDataset.from_table(table, (6, 1), CUTOFF, source="ref.h5")


def test_elements_are_those_that_occur(table: MoleculeTable) -> None:
    assert elements_of(table) == (1, 6, 8)
    assert elements_of(table.select([0])) == (6,)
