"""A crafted table is refused before memory is taken, and no other file is opened."""

import resource
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.molecules import GridValues, Molecule, MoleculeTable

TERA = 10**12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    molecules = [
        Molecule(f"m{row}", np.array([8, 1], np.uint8), np.arange(6.0).reshape(2, 3))
        for row in range(3)
    ]
    grid = GridValues.from_ragged([(np.ones((2, 3)), np.ones(2))] * 3)
    table = MoleculeTable.from_molecules(molecules, {"energy": [1.0, 2.0, 3.0]}, {"mk": grid})
    table.with_texts(failure=["", "x", ""]).save(tmp_path / "table.h5")
    return tmp_path / "table.h5"


def refusal(path: Path, change: Callable[[h5py.File], object], name: str = "") -> str:
    """Return what a changed file is refused with; more than 1 GB of memory is another failure."""
    with h5py.File(path, "a") as file:
        if name:
            del file[name]
        change(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        MoleculeTable.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path} is damaged (")
    return message


@pytest.mark.parametrize("name", ["id", "positions", "properties/energy", "grids/mk/mep"])
@pytest.mark.parametrize("chunks", [None, True])
def test_rows_that_are_not_there_take_no_memory(path: Path, name: str, chunks: bool | None) -> None:
    dtype = h5py.string_dtype() if name == "id" else float

    def claim(file: h5py.File) -> None:
        file.create_dataset(
            name, (TERA,), dtype, chunks=chunks, fillvalue=1 if dtype is float else None
        )

    assert f"{name} claims more than the" in refusal(path, claim, name)


def test_a_decompression_bomb_is_refused(path: Path) -> None:
    def claim(file: h5py.File) -> None:
        file.create_dataset("positions", data=np.zeros((10**6, 3)), compression="gzip")

    assert "positions is compressed" in refusal(path, claim, "positions")


def test_many_references_to_one_text_are_counted(path: Path) -> None:
    """A million references of 16 bytes to a text of a megabyte would be a terabyte."""
    text = "x" * 1_000_000
    with h5py.File(path, "a") as file:
        del file["smiles"]
        file.create_dataset("smiles", data=np.array([text, "a", "b"], h5py.string_dtype()))
    with h5py.File(path) as file:
        place = file["smiles"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place + 16 : place + 48] = content[place : place + 16] * 2
    path.write_bytes(content)
    assert "smiles claims more than the" in refusal(path, lambda file: None)


@pytest.mark.parametrize("name", ["positions", "properties", "texts/failure", "grids/mk"])
@pytest.mark.parametrize(
    "link", [h5py.SoftLink("/id"), h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/nowhere")]
)
def test_links_are_not_followed(path: Path, name: str, link: object) -> None:
    (path.parent / "other.h5").write_bytes(path.read_bytes())
    message = refusal(path, lambda file: file.__setitem__(name, link), name)
    assert f"{name} is a link to another place" in message


def test_values_in_other_files_are_not_read(path: Path) -> None:
    secret = path.parent / "secret"
    secret.write_bytes(np.zeros((6, 3)).tobytes())

    def external(file: h5py.File) -> None:
        file.create_dataset("positions", (6, 3), float, external=[(str(secret), 0, 144)])

    assert "positions is kept in another file" in refusal(path, external, "positions")


def test_virtual_values_are_not_read(path: Path) -> None:
    with h5py.File(path.parent / "other.h5", "w") as other:
        other["x"] = np.zeros((6, 3))
    layout = h5py.VirtualLayout((6, 3), float)
    layout[:] = h5py.VirtualSource(str(path.parent / "other.h5"), "x", (6, 3))
    message = refusal(path, lambda f: f.create_virtual_dataset("positions", layout), "positions")
    assert "positions is kept in another file" in message


def test_a_group_within_itself_ends(path: Path) -> None:
    def loop(file: h5py.File) -> None:
        file["grids/again"] = file["grids"]

    assert "grids/again/again is not a dataset" in refusal(path, loop)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("positions", np.zeros((6, 3), complex), "positions holds complex128"),
        ("positions", np.full((6, 3), np.nan), "positions are not three finite numbers"),
        ("positions", np.zeros((6, 2)), "positions are not three finite numbers"),
        ("positions", h5py.Empty("f"), "positions holds nothing"),
        ("atomic_numbers", np.full(6, 300), "atomic_numbers holds numbers out of range"),
        ("atom_offsets", np.array([0, 4, 2, 6]), "atom_offsets do not rise"),
        ("atom_offsets", np.array([1, 2, 4, 6]), "atom_offsets do not begin at 0"),
        ("atom_offsets", np.array([0.0, 2, 4, 6]), "atom_offsets holds float64"),
        ("atom_offsets", np.array([[0], [2], [4], [6]]), "damaged"),
        ("grids/mk/point_offsets", np.array([0, 2, 4, 9]), "do not begin at 0 and end at 6"),
        ("grids/mk/point_offsets", np.array([0, 2, 6]), "do not begin at 0 and end at 6"),
        ("grids/mk/points", np.zeros((5, 3)), "points and values of grid mk do not agree"),
        ("texts/unheard_of", ["a", "b", "c"], "there is no text unheard_of"),
        ("id", np.array(["a", "b", "c"], "S1"), "a text has a fixed length"),
        ("grids/mk", np.zeros(3), "damaged"),
    ],
)
def test_rows_that_do_not_fit_are_refused(path: Path, name: str, value: object, said: str) -> None:
    def put(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    assert said in refusal(path, put)


def test_a_sparse_dataset_of_a_plausible_size_is_no_more_than_the_file(path: Path) -> None:
    """Rows that were never written read as zeros, which the sums of the rows do not hide."""

    def claim(file: h5py.File) -> None:
        file.create_dataset("total_charge", (4,), int, chunks=(4,))

    assert "total_charge has 4 rows, expected 3" in refusal(path, claim, "total_charge")
