"""The molecules of the label sets: rules, filters, selection, and the lists of the repository."""

from collections import Counter

import numpy as np
import pytest
from label_bench import bench_molecules
from label_enumeration import ELEMENTS, HEAVY_ATOMS, accepted, combine, fillings
from label_groups import SMARTS, groups_of, kind_of
from label_list import (
    FOLDER,
    GEOMETRIES,
    GROUP_SEPARATOR,
    SPLITS,
    Row,
    describe,
    list_path,
    ordered,
    read_rows,
    split_of,
)
from label_names import NAMES
from label_rules import CORES, SUBSTITUENTS
from label_selection import has_element, inclusion_probabilities, systematic_sample
from make_label_molecules import molecules_of_models
from rdkit import Chem

from mepflow.selection.identity import canonical_smiles


@pytest.fixture(scope="module")
def organic() -> list[Row]:
    return read_rows(list_path(FOLDER, "organic"))


@pytest.fixture(scope="module")
def bench() -> list[Row]:
    return read_rows(list_path(FOLDER, "bench"))


@pytest.mark.parametrize(
    ("core", "filling", "expected"),
    [
        ("C*C*", (None, None), "CC"),
        ("C*C*", ("O*", None), "CCO"),
        ("C**", ("F*", "Cl*"), "FCCl"),
        ("n1!cccc1", ("C*",), "Cn1cccc1"),
        ("O=C!C*", ("O*C", "N*"), "COC(=O)CN"),
        ("[NH3+]C*C(=O)[O-]", ("C*1CC1",), "[NH3+]C(C(=O)[O-])C1CC1"),
    ],
)
def test_sites_of_a_core_get_their_substituents(
    core: str, filling: tuple[str | None, ...], expected: str
) -> None:
    assert canonical_smiles(combine(core, filling)) == canonical_smiles(expected)


def test_fillings_leave_no_needed_site_empty_and_try_every_substituent() -> None:
    found = list(fillings("C!C*"))
    assert all(one[0] is not None for one in found)
    assert {one[0] for one in found if one[1] is None} == set(SUBSTITUENTS.split())
    assert any(one[1] is not None for one in found)
    assert found == list(fillings("C!C*"))


def test_every_core_and_substituent_is_a_molecule() -> None:
    cores = [core for family in CORES.values() for core in family.split()]
    filled = {
        core: tuple("C*" if site == "!" else None for site in core if site in "*!")
        for core in cores
    }
    wrong = [core for core in cores if canonical_smiles(combine(core, filled[core])) is None]
    wrong += [one for one in SUBSTITUENTS.split() if not canonical_smiles(combine("C!", (one,)))]
    assert wrong == []


STABLE = """
CO C=O CC(=O)O COC(=O)OC C[N+](=O)[O-] CN=[N+]=[N-] C[N+](C)(C)[O-] [C-]#[N+]C CON=O O=c1cc[nH]cn1
CS(C)(=O)=O CS(=O)(=O)Cl COP(=O)(OC)OC CP(C)C C[P+](C)(C)C C[S+](C)C CSSC CC(N)=S Brc1ccco1
O=C1OCCO1
"""
UNSTABLE = """
OCO C=CO NCO NCCl OCF CN=O NOO CSOC CP(C)O N=CO CC(C)=S O=C(O)N O=C(O)OC CS(=O)(=O)Br PBr NF COOOC
C#CO SSS CC(=O)N=O C[N+](C)([O-])F O=CCN O=C(Cl)CN O=C=NCO [O-]OC CNN=O C1=CC1Br
"""
PROTONS_ELSEWHERE = """
O=C(O)CC[O-] O=C(O)C[S-] SCC[O-] [nH+]1cccc(CN)c1 C[NH2+]CC(=N)N [NH3+]CC[O-] [NH3+]CC[NH3+]
O=C([O-])CC(=O)[O-]
"""
PROTONS_IN_PLACE = """
O=C([O-])CCO O=C([O-])CCS [O-]CCO [NH3+]Cc1cccnc1 C[NH2+]C [NH3+]CC(=O)[O-] [NH3+]CC(=O)O
[NH3+]CC[S-] NC(=[NH2+])CC(=O)[O-] C[N+](C)(C)CC(=O)[O-] O=P([O-])(O)CO c1c[n-]cn1
"""
OUTSIDE = "C O CCCCCCCCCC CI C[Si](C)(C)C [Cl-] NN C[CH2]"


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [(one, True) for one in (STABLE + PROTONS_IN_PLACE).split()]
    + [(one, False) for one in (UNSTABLE + PROTONS_ELSEWHERE + OUTSIDE).split()],
)
def test_filters(smiles: str, expected: bool) -> None:
    assert accepted(smiles) is expected


@pytest.mark.parametrize(
    ("smiles", "kind", "groups"),
    [
        ("CC(=O)O", "neutral", {"carboxylic acid"}),
        ("C[N+](=O)[O-]", "neutral", {"nitro"}),
        ("[O-][n+]1ccccc1", "neutral", {"N-oxide"}),
        ("[C-]#[N+]C", "neutral", set()),
        ("C[NH3+]", "cation", {"ammonium"}),
        ("NC(N)=[NH2+]", "cation", {"amidinium or guanidinium"}),
        ("CS(=O)(=O)[O-]", "anion", {"sulfonate or sulfate", "oxoanion of sulfur or phosphorus"}),
        ("[NH3+]CC(=O)[O-]", "zwitterion", {"ammonium", "carboxylate"}),
        ("COC(C)=O", "neutral", {"ester"}),
        ("COC(=O)OC", "neutral", {"carbonate"}),
        ("CNC(C)=O", "neutral", {"amide"}),
        ("CS(N)(=O)=O", "neutral", {"sulfonamide"}),
        ("Brc1ccccn1", "neutral", {"azine", "C(sp2)-Br"}),
        ("Cn1ccnc1", "neutral", {"azole"}),
        ("CP(C)(C)=O", "neutral", {"phosphane oxide or sulfide"}),
        ("COP(=O)(OC)OC", "neutral", {"phosphate"}),
        ("FC(F)(F)C", "neutral", {"trifluoromethyl"}),
        ("C1CO1", "neutral", {"small ring", "ether"}),
    ],
)
def test_kind_and_functional_groups(smiles: str, kind: str, groups: set[str]) -> None:
    molecule = Chem.MolFromSmiles(smiles)
    assert kind_of(molecule) == kind
    assert set(groups_of(molecule)) == groups


def test_names_belong_to_different_molecules() -> None:
    smiles = [canonical_smiles(one) for one in NAMES]
    assert None not in smiles
    names_of = Counter(smiles)
    assert [one for one, number in names_of.items() if number > 1] == []


def test_probabilities_meet_the_shares() -> None:
    generator = np.random.default_rng(1)
    n, count = 4000, 400
    first, second, rare = generator.random((3, n)) < np.array([[0.5], [0.1], [0.002]])
    chances = inclusion_probabilities(
        np.ones(n), [first, ~first, second], [0.2, 0.8, 0.3], [rare], count
    )
    assert chances[first].sum() == pytest.approx(0.2 * count, rel=0.02)
    assert chances[second].sum() == pytest.approx(0.3 * count, rel=0.02)
    assert chances[rare].sum() == pytest.approx(min(rare.sum(), 0.016 * count), rel=0.02)
    assert chances.max() <= 1.0


def test_a_systematic_sample_gives_every_stretch_its_share() -> None:
    chances = np.random.default_rng(2).random(1000)
    taken = systematic_sample(chances, 100)
    assert taken.sum() == 100
    expected = np.cumsum(chances) / chances.sum() * 100
    assert np.abs(np.cumsum(taken) - expected).max() < 1.0


@pytest.mark.parametrize("name", ["organic", "bench"])
def test_rows_follow_from_the_smiles_alone(name: str) -> None:
    rows = read_rows(list_path(FOLDER, name))
    for row in rows:
        assert canonical_smiles(row["smiles"]) == row["smiles"]
        split = split_of(row["smiles"]) if name == "organic" else "bench"
        assert {"id": row["id"], **describe(row["smiles"], row["name"], split)} == row
    without_id = [{key: row[key] for key in row if key != "id"} for row in reversed(rows)]
    assert ordered(without_id, name) == rows


def test_no_molecule_is_there_twice_or_in_both_sets(organic: list[Row], bench: list[Row]) -> None:
    smiles = [row["smiles"] for row in organic + bench]
    assert len(set(smiles)) == len(smiles)
    assert len({row["name"] for row in bench}) == len(bench)


def test_the_bench_list_is_the_one_of_the_tool(bench: list[Row]) -> None:
    named = {canonical_smiles(smiles): name for smiles, name in bench_molecules()}
    assert {row["smiles"]: row["name"] for row in bench} == named


def test_no_model_learns_from_the_bench(bench: list[Row]) -> None:
    known = molecules_of_models()
    assert {"C", "CS(N)(=O)=O", "Oc1ccccc1", "CC1CC1C"} <= known
    assert [row["name"] for row in bench if row["smiles"] in known] == []


def test_the_bench_has_enough_large_molecules(bench: list[Row]) -> None:
    sizes = np.array([Chem.MolFromSmiles(row["smiles"]).GetNumHeavyAtoms() for row in bench])
    assert len(sizes) >= 110
    assert ((sizes >= 12) & (sizes <= 24)).sum() >= 24
    assert ((sizes >= 12) & (sizes <= 15)).sum() >= 18
    assert (sizes > 16).sum() <= 3


def test_every_organic_molecule_passes_the_filters(organic: list[Row]) -> None:
    assert [row["smiles"] for row in organic if not accepted(row["smiles"])] == []


def test_shares_of_the_organic_list(organic: list[Row]) -> None:
    molecules = [Chem.MolFromSmiles(row["smiles"]) for row in organic]
    sizes = np.array([molecule.GetNumHeavyAtoms() for molecule in molecules])
    assert set(sizes) == set(HEAVY_ATOMS)
    assert 5.0 <= sizes.mean() <= 5.5
    assert (sizes >= 8).mean() < 0.1
    for element in ELEMENTS:
        assert np.mean([has_element(one, element) for one in molecules]) >= 0.08, element
    groups = Counter(group for row in organic for group in row["groups"].split(GROUP_SEPARATOR))
    assert [name for name in SMARTS if groups[name] < 0.01 * len(organic)] == []
    kinds = Counter(row["kind"] for row in organic)
    assert kinds["neutral"] / len(organic) == pytest.approx(0.75, abs=0.005)
    assert min(kinds["cation"], kinds["anion"], 2 * kinds["zwitterion"]) > 0.08 * len(organic)


@pytest.mark.parametrize(("column", "shares"), [("split", SPLITS), ("geometry", GEOMETRIES[:1])])
def test_drawn_shares_are_as_wanted(
    organic: list[Row], column: str, shares: tuple[tuple[str, float], ...]
) -> None:
    found = Counter(row[column] for row in organic)
    for value, share in shares:
        deviation = (share * (1 - share) / len(organic)) ** 0.5
        assert found[value] / len(organic) == pytest.approx(share, abs=3.5 * deviation)


def test_any_prefix_is_a_fair_sample(organic: list[Row]) -> None:
    sizes = np.array([Chem.MolFromSmiles(row["smiles"]).GetNumHeavyAtoms() for row in organic])
    for length in (100, 400, 1000):
        error = sizes.std() / length**0.5
        assert sizes[:length].mean() == pytest.approx(sizes.mean(), abs=3.5 * error)
