"""A small run's results, and the arguments of its page: two molecules with surfaces, one without.

Ids, SMILES and cells hold what would run as a script or load something if it were not escaped.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd

from mepflow.electrostatics.potential import potential
from mepflow.evaluation.paired_differences import DIFFERENCE
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.page.document import make_page
from mepflow.runs.plan import DatasetFiles, PageItem, SurfaceView
from mepflow.runs.provenance import write_record
from mepflow.tables.writing import Column, number, write_table

HOSTILE = "</script><img src=x onerror=alert(1)>"
SURFACE = {"scale": 1.0, "spacing_bohr": 1.0, "smoothing_bohr": 0.2}
CHARGES = ([0.5, -0.4, -0.05, -0.05], [0.2, 0.1, -0.3])
MOLECULES = (
    Molecule(
        "formaldehyde",
        np.array([6, 8, 1, 1], dtype=np.uint8),
        np.array([[0, 0, 0], [0, 0, 2.3], [0, 1.8, -1.1], [0, -1.8, -1.1]], dtype=float),
        0,
        "C=O",
    ),
    Molecule(
        "m1",
        np.array([1, 6, 7], dtype=np.uint8),
        np.array([[0, 0, -2.0], [0, 0, 0], [0, 0, 2.2]], dtype=float),
        0,
        HOSTILE,
    ),
)
VARIANTS = ("AC-D", "AC-AD-DQ-c")
ROWS = (
    ("AC-AD-DQ-c", "model", 10.5, 9.0, 12.0, 0.1),
    ("AC-D", "model", 9.25, 8.0, 11.5, 0.2),
    (HOSTILE, "baseline", 100.0, np.nan, np.nan, np.nan),
    ("fitted-charges", "baseline", 1.5, 1.25, 2.0, np.nan),
)
"""Name, kind, median with its interval, error on the validation molecules."""
DIFFERENCES = (("AC-AD-DQ-c", "AC-D", 40, -1.25, -2.0, -0.5, 30),)
NOTE = "Made up for a test."
CONFIG = {
    "name": "small & <new>",
    "datasets": {
        name: {
            "archive": f"{name}-embedded",
            "level_of_theory": "tiny",
            "network": "small",
            "grids": ["mk"],
            "headline_grid": "mk",
            "baselines": ["fitted-charges"],
        }
        for name in ("qm9", "spice")
    },
    "training": {"steps": 20, "batch_size": 4, "seeds": [1], "variants": list(VARIANTS)},
    "levels_of_theory": {
        "tiny": {"functional": "hf", "basis": "6-31g*", "density_fitting": "def2-universal-jkfit"}
    },
    "variants": {
        "AC-D": {
            "atomic_terms": ["charges"],
            "loss_weights": {"dipole": 1.0, "quadrupole": 0.0},
            "quadrupole_from": "charges",
        },
        "AC-AD-DQ-c": {
            "atomic_terms": ["charges", "dipoles"],
            "loss_weights": {"dipole": 1.0, "quadrupole": 1.0},
            "quadrupole_from": "all",
        },
    },
    "figures": {"showcase_variants": list(VARIANTS)},
}


@dataclass
class Page:
    """Results of a run and what :func:`make_page` is told of them."""

    results: Path
    items: list[PageItem] = field(default_factory=list)
    views: list[SurfaceView] = field(default_factory=list)
    has_mep: bool = True

    def make(self, output: Path) -> Path:
        """Write the page."""
        introduction = "Run *{{ snakemake.config['name'] }}*."
        datasets = [dataset_files(name) for name in CONFIG["datasets"]]
        if not self.has_mep:
            datasets = [replace(files, table=None, differences=None) for files in datasets]
        make_page(CONFIG, self.items, datasets, self.views, introduction, self.results, output)
        return output

    def add(
        self,
        dataset: str,
        title: str,
        category: str,
        files: list[str],
        caption: str,
        wildcards: dict[str, str] | None = None,
    ) -> None:
        """Add a table or a figure whose files are there."""
        by_suffix = {Path(name).suffix: name for name in files}
        for name in files:
            write_record(str(self.results), "rule", {}, [], [str(self.results / name)], {})
        self.items.append(
            PageItem(
                file=by_suffix.get(".md") or by_suffix[".png"],
                csv=by_suffix.get(".csv"),
                pdf=None,
                record=files[0],
                title=title,
                category=category,
                dataset=dataset,
                caption=caption,
                wildcards=wildcards or {"dataset": dataset},
                params={"grid": "a_b `c <javascript:x>`_"},
            )
        )


def dataset_files(dataset: str) -> DatasetFiles:
    """Return the files of the first numbers; the first dataset says what its archive is."""
    return DatasetFiles(
        dataset,
        f"{dataset}/tables/mep.csv",
        f"{dataset}/tables/mep_differences.csv",
        f"{dataset}/verdicts.csv",
        f"{dataset}/splits.csv",
        NOTE if dataset == "qm9" else "",
    )


def make_case(folder: Path) -> Page:
    """Write the results into a folder."""
    page = Page(folder / "results")
    _write_potentials(page)
    for dataset in CONFIG["datasets"]:
        csv, markdown = (f"{dataset}/tables/mep.{suffix}" for suffix in ("csv", "md"))
        _write_table(page.results / csv, page.results / markdown)
        _write_numbers(page.results, dataset_files(dataset))
        page.add(
            dataset, "MEP", "Tables", [csv, markdown], "**Errors** on {{ snakemake.params.grid }}."
        )
        figure = f"{dataset}/figures/picture.png"
        (page.results / figure).parent.mkdir()
        matplotlib.image.imsave(page.results / figure, np.full((20, 30, 3), 0.5))
        caption = "Potential of {{ snakemake.params.grid }}."
        page.add(dataset, "Picture", "Models", [figure], caption)
    wildcards = {"dataset": "qm9", "molecule": MOLECULES[0].id}
    for kind in ("in a plane", "on the surface"):
        name = f"qm9/figures/{kind.split()[-1]}_{MOLECULES[0].id}.png"
        matplotlib.image.imsave(page.results / name, np.full((20, 30, 3), 0.5))
        title = f"Potential {kind} {MOLECULES[0].id}"
        page.add("qm9", title, "Electrostatic potential", [name], "A picture.", wildcards)
    return page


def _write_table(csv: Path, markdown: Path) -> None:
    frame = pd.DataFrame(
        [
            {
                "grid": "mk",
                "representation": name,
                "kind": kind,
                "n_structures": 1200,
                "n_molecules": 400,
                "n_seeds": 1,
                "validation_error": validation,
                "median_relative_rmse": median / 10,
                "median_rmse_kcal_per_mol_e": median,
                "median_rmse_low_kcal_per_mol_e": low,
                "median_rmse_high_kcal_per_mol_e": high,
            }
            for name, kind, median, low, high, validation in ROWS
        ]
    )
    columns = (
        Column("Representation", lambda row: row.representation, "left"),
        Column("Median |V| (kcal/mol/e)".replace("|", "\\|"), number("median_rmse_kcal_per_mol_e")),
        Column("Lower end (kcal/mol/e)", number("median_rmse_low_kcal_per_mol_e")),
        Column("Structures", lambda row: f"{row.n_structures:,}"),
    )
    write_table(frame, columns, csv, markdown, title="Errors")


def _write_numbers(results: Path, files: DatasetFiles) -> None:
    names = ("representation", "other", "n_molecules", *DIFFERENCE, "n_smaller")
    pd.DataFrame(DIFFERENCES, columns=list(names)).to_csv(results / files.differences, index=False)
    ids = [f"m{k}" for k in range(10)]
    splits = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    frame = pd.DataFrame({"id": ids, "split": splits, "showcase": 0})
    frame.to_csv(results / files.splits, index=False)
    verdicts = pd.DataFrame({"id": ids, "verdict": "kept", "reason": "", "detail": ""})
    verdicts.loc[0, ["verdict", "reason"]] = ["rejected", "scf_not_converged"]
    verdicts.to_csv(results / files.verdicts, index=False)


def _write_potentials(page: Page) -> None:
    grids = []
    for molecule, charges in zip(MOLECULES, CHARGES, strict=True):
        surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions, **SURFACE)
        values = potential(surface.vertices, molecule.positions, np.array(charges))
        grids.append((surface.vertices, values))
    metadata = {
        "grids": {"surface": {molecule.id: SURFACE for molecule in MOLECULES}},
        "grid_settings": {"surface": {"kind": "surface"}},
    }
    table = MoleculeTable.from_molecules(
        MOLECULES, {}, {"surface": GridValues.from_ragged(grids)}, metadata
    )
    reference = "qm9/reference/reference.h5"
    table.save(page.results / reference)
    predictions = [f"qm9/models/{variant}/seed-1/predictions.h5" for variant in VARIANTS]
    for path, scale in zip(predictions, (1.1, 0.5), strict=True):
        properties: dict[str, Any] = {
            "atomic_charges": [scale * np.array(charges) for charges in CHARGES]
        }
        if "AC-AD" in path:
            rng = np.random.default_rng(3)
            properties["atomic_dipoles"] = [0.1 * rng.normal(size=(len(m), 3)) for m in MOLECULES]
        MoleculeTable.from_molecules(MOLECULES, properties).save(page.results / path)
    molecules = [molecule.id for molecule in MOLECULES]
    page.views.append(SurfaceView("qm9", "surface", molecules, reference, predictions))
