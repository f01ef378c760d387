"""What is fuzzed: for each reader, valid files, ways to damage them, and the call."""

import bz2
import gzip
import hashlib
import io
import json
import random
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import torch
from mutations import damage_array, damage_bytes, damage_words
from rdkit import Chem
from rdkit.Chem import rdDistGeom

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "archives"))
sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "nn" / "pinet2"))

from extxyz_frames import HYDROXIDE, PROPERTIES, WATER, frame
from labelled_tables import GRID, LEVEL, make_reference
from qm9_records import name, record, write_tar
from spice_groups import AMMONIUM, make_group, write_spice
from test_label_file import EMPTY
from test_label_file import GRIDS as LABEL_GRIDS
from test_label_file import LEVELS as LABEL_LEVELS
from test_label_file import record as label_record
from test_parity import recording

from mepflow.archives import extxyz_table, label_file, labelled_table, qm9_table, spice_table
from mepflow.archives.label_packing import with_records
from mepflow.archives.qm9 import parse_record
from mepflow.archives.rejected_records import RecordError
from mepflow.errors import MepflowError
from mepflow.models.model_file import load_model, save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.nn.pinet2 import parity
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings
from mepflow.prediction.charged_groups import n_fragments, neighbours_of
from mepflow.prediction.input_batch import read_structures
from mepflow.prediction.structures import formula
from mepflow.storage.journal import Journal

CLEAR: Final = (MepflowError, RecordError)
"""What a reader may raise; the archives' readers turn a RecordError into a row of a table."""


@dataclass(frozen=True)
class Target:
    """A reader; ``share`` is its part of all cases, ``damaged`` makes the file of one case."""

    name: str
    share: float
    damaged: Callable[[random.Random], bytes]
    read: Callable[[Path], object]


def _written(write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "valid"
        write(path)
        return path.read_bytes()


# QM9: a record alone, and an archive of records.


@lru_cache
def _records() -> list[bytes]:
    atoms = (
        "C\t0.\t0.\t0.\t0.1",
        "C\t0.\t0.\t1.2\t0.1",
        "H\t0.\t1.\t-1.\t-0.1",
        "H\t0.\t1.\t2.\t-0.1",
    )
    linear = ("1.", "2.", "3.", "4.", "5.", "6.", "7.")
    return [record(7), record(7, atoms=atoms, wavenumbers=linear), record(7, after="\r\n\n")]


def _damaged_record(rng: random.Random) -> bytes:
    content = rng.choice(_records())
    return (damage_words if rng.random() < 0.7 else damage_bytes)(rng, content)


def _read_record(path: Path) -> None:
    parse_record(path.read_bytes(), name(7))


def _damaged_archive(rng: random.Random) -> bytes:
    members = [(name(number), record(number)) for number in (1, 2, 3)]
    if rng.random() < 0.3:
        members[rng.randrange(3)] = (name(2), _damaged_record(rng))
    plain = _written(lambda path: write_tar(path, members, "w"))
    compress = rng.choice((bytes, bytes, bz2.compress, gzip.compress))
    if rng.random() < 0.6:
        return compress(damage_bytes(rng, plain))
    return damage_bytes(rng, compress(plain))


def _read_qm9(path: Path) -> None:
    qm9_table.read_archive(path, path.with_suffix(".h5"), path.with_suffix(".csv"))


# SPICE, and molecule tables: HDF5.


@lru_cache
def _spice() -> list[bytes]:
    groups = {"water": make_group(), "ion": make_group(AMMONIUM, charge=1.0, seed=2)}
    return [
        _written(lambda path: write_spice(path, groups)),
        _written(lambda path: write_spice(path, groups, libver="latest")),
    ]


@lru_cache
def _tables() -> list[bytes]:
    molecules = [
        Molecule(f"m{row}", np.array([8, 1, 1][:atoms], np.uint8), np.eye(3)[:atoms] + row, 0, "O")
        for row, atoms in enumerate((3, 1, 2))
    ]
    grid = GridValues.from_ragged([(np.ones((k, 3)), np.ones(k)) for k in (2, 0, 3)])
    values = {"dipole": np.ones((3, 3)), "mulliken_charges": [np.ones(k) for k in (3, 1, 2)]}
    table = MoleculeTable.from_molecules(molecules, values, {"mk": grid}, {"a": {"b": [1]}})
    return [_written(table.with_texts(failure=["", "no", "é"]).save)]


def _damaged_hdf5(rng: random.Random, valid: list[bytes]) -> bytes:
    content = rng.choice(valid)
    if rng.random() < 0.4:
        return damage_bytes(rng, content)
    file = io.BytesIO(content)
    with h5py.File(file, "r+") as opened:
        _change_item(rng, opened)
    return file.getvalue()


def _change_item(rng: random.Random, file: h5py.File) -> None:
    names: list[str] = []
    file.visit(names.append)
    chosen = rng.choice(names)
    item = file[chosen]
    change = rng.randrange(10)
    if change == 0:
        holder = rng.choice((file, item))
        value = rng.choice(
            (7, "other", b"\xff", np.nan, [1, 2], "[" * 9000, "{}", "hartree", "x" * 40_000)
        )
        holder.attrs[
            rng.choice(("format", "format_version", "metadata", "units", "grids", "levels"))
        ] = value
        return
    if change == 4:
        place = f"{chosen}/new" if isinstance(item, h5py.Group) else "new"
        file[place] = rng.choice((np.zeros(3), h5py.Empty("f"), "text", file["/"]))
        return
    attributes = dict(item.attrs)
    values = item[()] if isinstance(item, h5py.Dataset) else None
    del file[chosen]
    if change == 1:
        return
    if change == 2:
        link = (h5py.SoftLink("/"), h5py.SoftLink("/id"), h5py.ExternalLink("/etc/passwd", "/x"))
        file[chosen] = rng.choice(link)
    elif change == 3:
        shape = rng.choice(((10**12,), (10**6, 10**6), (10**9, 3), (0,), (), (1,) * 32))
        kind = rng.choice((float, "i4", h5py.string_dtype(), "u1"))
        chunks = True if shape and 0 not in shape and rng.random() < 0.5 else None
        file.create_dataset(chosen, shape, kind, chunks=chunks)
    elif values is None:
        file.create_group(chosen)
    elif values.dtype.kind == "O":
        texts = rng.choice((b"", b"\xff\xfe", b"C" * 40_000, b"\x1b[2J\n", b"[H:1]", b"(" * 2000))
        new = values.copy()
        new.flat[rng.randrange(new.size)] = texts
        file.create_dataset(chosen, data=new, dtype=h5py.string_dtype())
    elif values.dtype.kind == "S":
        texts = rng.choice((b"", b"\xff\xfe", b"C" * 4000, b"\x1b[2J\n", b"[1"))
        file.create_dataset(chosen, data=np.full(values.shape, texts))
    else:
        file.create_dataset(chosen, data=damage_array(rng, np.asarray(values))).attrs.update(
            attributes
        )


def _read_spice(path: Path) -> None:
    chosen: Any = ("lowest", "all", 2)[path.stat().st_size % 3]
    table = path.with_suffix(".h5")
    spice_table.read_archive(path, table, path.with_suffix(".csv"), conformers=chosen)
    MoleculeTable.load(table)


@lru_cache
def _references() -> list[bytes]:
    return [_written(make_reference().save)]


@lru_cache
def _label_files() -> list[bytes]:
    labels = with_records(EMPTY, [label_record("b", 1), label_record("a", 2)])
    return [_written(lambda path: label_file.write_labels(path, labels))]


def _read_labelled(path: Path, level: dict[str, Any], grid: dict[str, Any]) -> None:
    table = path.with_suffix(".h5")
    labels = ("dipole", "quadrupole", "mulliken_charges", "mep")
    labelled_table.read_archive(
        path, table, path.with_suffix(".csv"), None, labels, level, {"mk": grid}
    )
    MoleculeTable.load(table)


def _read_labels(path: Path) -> None:
    labels = label_file.read_labels(path)
    for row in range(len(labels)):
        for column in labels.columns:
            labels.of(column, row)
        for grid in labels.potentials:
            labels.potential(grid, row)


# Frames of extended XYZ, plain and compressed.


@lru_cache
def _labelled_frames() -> list[bytes]:
    second = "1 0.1 0 0.1 2 0 0 0 1"
    texts = (
        frame(f'dipole="1 2 3" quadrupole="{second}" energy=-1.5 pbc="F F F" id=a smiles=O'),
        frame(f"charge=-1 REF_dipole='1 2 3' quadrupole=\"_JSON {np.eye(3).tolist()}\"", HYDROXIDE),
        frame("energy=1", [(*row, 0.1, 1, 2, 3) for row in WATER],
              f"{PROPERTIES}:charge:R:1:forces:R:3"),
    )  # fmt: skip
    return [text.encode() for text in (*texts, "\n".join(texts))]


def _damaged_frames(rng: random.Random) -> bytes:
    content = rng.choice(_labelled_frames())
    if rng.random() < 0.15:
        return damage_bytes(rng, gzip.compress(content, mtime=0))
    # The words of a frame are separated by blanks, those of the other formats by tabs.
    damage = damage_words if rng.random() < 0.6 else damage_bytes
    return damage(rng, content.replace(b" ", b"\t"))


def _read_frames(path: Path) -> None:
    table = path.with_suffix(".h5")
    labels = ("dipole", "quadrupole", "mulliken_charges", "energy", "forces")
    extxyz_table.read_archive(
        path, table, path.with_suffix(".csv"), None, labels, quadrupole_form="second_moment"
    )
    MoleculeTable.load(table)


# Models: a zip archive of a pickle and tensors.


@lru_cache
def _model() -> bytes:
    row: dict[str, Any] = {"atomic_terms": ["charges", "dipoles"], "quadrupole_from": "all"}
    row["loss_weights"] = {"dipole": 1.0, "quadrupole": 1.0}
    variant = Variant.from_row("AC-AD-DQ-c", row)
    settings = PiNet2Settings(
        rank=3, depth=1, nodes=2, cutoff_angstrom=3.0, cutoff_function="f1", basis="gaussian",
        n_basis=2, gamma_per_angstrom2=3.0, weighted=False, elements=(1, 8),
        outputs=variant.outputs,
    )  # fmt: skip
    torch.manual_seed(1)
    model = MultipoleModel(settings, variant)
    return _written(lambda path: save_model(path, model, model.state_dict(), {"seed": 1}))


def _damaged_model(rng: random.Random) -> bytes:
    match rng.randrange(3):
        case 0:
            return damage_bytes(rng, _model())
        case 1:
            return _damaged_member(rng, _model())
        case _:
            content = torch.load(io.BytesIO(_model()), weights_only=True)
            _change_entry(rng, content)
            file = io.BytesIO()
            torch.save(content, file)
            return file.getvalue()


def _change_entry(rng: random.Random, content: dict[str, Any]) -> None:
    place = content
    while True:
        key = rng.choice(list(place))
        if not isinstance(place[key], dict) or not place[key] or rng.random() < 0.1:
            break
        place = place[key]
    value = place[key]
    if isinstance(value, torch.Tensor) and rng.random() < 0.7:
        place[key] = rng.choice(
            (value[:0], value[None], value.long(), value * np.nan, value.new_zeros(()),
             value.bool(), value.double(), value.new_zeros(1).expand(10**12),
             value.to(torch.complex64))
        )  # fmt: skip
    elif rng.random() < 0.2:
        del place[key]
    else:
        place[key] = rng.choice(
            (None, -1, 0, 2.5, 10**9, 10**30, True, "x", "x" * 10**5, [], [1, "a"], {}, {"a": 1},
             float("nan"), float("inf"), [[1]] * 1000, torch.zeros(3))
        )  # fmt: skip


def _damaged_member(rng: random.Random, content: bytes) -> bytes:
    """Damage the content of one file of a zip archive, whose checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    chosen = rng.choice(
        [name for name in members if name.endswith((".pkl", ".npy"))] + list(members)
    )
    members[chosen] = damage_bytes(rng, members[chosen])
    file = io.BytesIO()
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(file, "w", rng.choice(kinds)) as archive:
        for key, value in members.items():
            archive.writestr(key, value)
    return file.getvalue()


# Journals, and recorded networks: .npz.


@lru_cache
def _journal() -> bytes:
    def write(path: Path) -> None:
        for number in range(3):
            rows = np.arange(number + 1.0)
            Journal(path).append({"fingerprint": np.array(f"x{number}"), "values": rows})

    return _written(write)


def _damaged_journal(rng: random.Random) -> bytes:
    content = _journal()
    if rng.random() < 0.5:
        return damage_bytes(rng, content)
    magic, length, _ = struct.unpack_from("<8sQ32s", content)
    body = content[48 : 48 + length]
    body = (_damaged_member if rng.random() < 0.5 else damage_bytes)(rng, body)
    header = struct.pack("<8sQ32s", magic, len(body), hashlib.sha256(body).digest())
    return header + body + content


@lru_cache
def _recording() -> dict[str, Any]:
    return recording(rank=3)


def _damaged_recording(rng: random.Random) -> bytes:
    arrays = dict(_recording())
    if rng.random() < 0.3:
        settings = json.loads(str(arrays["hyperparameters_json"]))
        values = (
            None,
            -1,
            0,
            3.5,
            10**5,
            10**9,
            10**30,
            "x",
            [],
            [10**6] * 4,
            [2] * 10**4,
            {"p3": 1},
        )
        settings[rng.choice(sorted(settings))] = rng.choice(values)
        arrays["hyperparameters_json"] = np.array(json.dumps(settings))
    elif rng.random() < 0.5:
        chosen = rng.choice(sorted(arrays))
        arrays[chosen] = (
            damage_array(rng, arrays[chosen]) if arrays[chosen].dtype.kind != "U" else 1
        )
    file = io.BytesIO()
    np.savez(file, **arrays)
    content = file.getvalue()
    if rng.random() < 0.5:
        return content
    return (_damaged_member if rng.random() < 0.6 else damage_bytes)(rng, content)


# Structures to predict: extended XYZ, SDF and SMILES. The first byte says which.

_SUFFIXES: Final = {b"x": ".xyz", b"s": ".sdf", b"m": ".smi"}
_FRAMES: Final = (
    "2\n\nO\t0\t0\t0\nH\t0\t0\t0.96\n",
    "1\nits\tcharge=1\tname='a\tb'\nH\t0.1\t-2e0\t3.\n",
    '2\nProperties=Z:I:1:pos:R:3:f:R:2\ttotal_charge=-1\tpbc="T\tF\tF"\t'
    'Lattice="5\t0\t0\t0\t5\t0\t0\t0\t5"\tnote="_JSON\t[[1,\t2]]"\n'
    "8\t0\t0\t0\t1\t2\n1\t0\t0\t1\t3\t4\n",
)
_SMILES: Final = (
    "CCO\tethanol\nC[N+](C)(C)C\n[2H]O[2H]\theavy\n",
    "C[C@H](F)/C=C/c1ccc2[nH]ccc2c1\t%1\n[O-][N+](=O)c1ccccc1\n",
    "OS(=O)(=O)O\nC1%12CC1CC%12\n[C-]#[O+]\n",
)


@lru_cache
def _sdf() -> list[str]:
    blocks = []
    for smiles in ("C[NH3+]", "O", "FC(F)(F)F"):
        molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
        blocks += [Chem.MolToMolBlock(molecule), Chem.MolToV3KMolBlock(molecule)]
    ended = [f"{block}> <note>\n1\n\n$$$$\n" for block in blocks]
    return [*blocks, "".join(ended[::2]), "".join(ended[1:3])]


def _damaged_structures(rng: random.Random) -> bytes:
    kind = rng.choice((b"x", b"x", b"s", b"m"))
    if kind == b"x":
        text = "".join(rng.choice(_FRAMES) for _ in range(rng.choice((1, 1, 2, 3))))
    else:
        text = rng.choice(_sdf() if kind == b"s" else _SMILES)
    damage = damage_words if rng.random() < (0.2 if kind == b"s" else 0.6) else damage_bytes
    return kind + damage(rng, text.encode())


def _read_structures(path: Path) -> None:
    content = path.read_bytes()
    named = path.with_suffix(_SUFFIXES[content[:1]])
    named.write_bytes(content[1:])
    for structure in read_structures([named]):
        formula(structure.molecule)
        n_fragments(neighbours_of([structure.molecule])[0])


TARGETS: Final = (
    Target("qm9-record", 0.30, _damaged_record, _read_record),
    Target("qm9-archive", 0.22, _damaged_archive, _read_qm9),
    Target("spice-archive", 0.12, lambda rng: _damaged_hdf5(rng, _spice()), _read_spice),
    Target("molecule-table", 0.23, lambda rng: _damaged_hdf5(rng, _tables()), MoleculeTable.load),
    Target(
        "labelled",
        0.10,
        lambda rng: _damaged_hdf5(rng, _references()),
        lambda path: _read_labelled(path, LEVEL, GRID),
    ),
    Target(
        "labels-as-archive",
        0.05,
        lambda rng: _damaged_hdf5(rng, _label_files()),
        lambda path: _read_labelled(path, LABEL_LEVELS[0], LABEL_GRIDS["mk"]),
    ),
    Target("labels", 0.06, lambda rng: _damaged_hdf5(rng, _label_files()), _read_labels),
    Target("extxyz", 0.15, _damaged_frames, _read_frames),
    Target("model", 0.06, _damaged_model, lambda path: load_model(path, "cpu")),
    Target("journal", 0.04, _damaged_journal, lambda path: Journal(path).read()),
    Target("structures", 0.15, _damaged_structures, _read_structures),
    Target("recorded-network", 0.03, _damaged_recording, parity.deviations),
)
