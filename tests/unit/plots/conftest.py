"""A tiny run with all nine variants, and a look at the figures that the functions draw."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mepflow.electrostatics.potential import potential
from mepflow.evaluation.baselines import BASELINES, fit_baseline
from mepflow.evaluation.extrema import COLUMNS as SHELL_COLUMNS
from mepflow.evaluation.mep_errors import WITH_PENETRATION, evaluate_mep
from mepflow.evaluation.sources import Source
from mepflow.evaluation.statistics import median_columns
from mepflow.geometry.planes import Plane
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.multipoles import (
    centre_of_nuclear_charge,
    dipole_terms,
    from_second_moment,
    quadrupole_terms,
)
from mepflow.plots import style
from mepflow.plots.aromatics import plot_aromatics
from mepflow.plots.filter_funnel import plot_filter_funnel
from mepflow.plots.learning_curve import plot_learning_curve
from mepflow.plots.mep_breakdown import plot_mep_breakdown
from mepflow.plots.mep_distance import plot_mep_distance
from mepflow.plots.mep_error import plot_mep_error
from mepflow.plots.mep_parity import plot_mep_parity
from mepflow.plots.mep_penetration import plot_mep_penetration
from mepflow.plots.multipole_parity import plot_multipole_parity
from mepflow.plots.showcase import plot_showcase
from mepflow.plots.surface import plot_surface
from mepflow.plots.surface_minima import plot_surface_minima
from mepflow.plots.trade_off import plot_trade_off
from mepflow.plots.training_curves import plot_training_curves
from mepflow.plots.transfer_errors import plot_transfer
from mepflow.selection.verdicts import funnel
from mepflow.tables.aromatics_table import write_aromatics_table
from mepflow.tables.breakdown_table import write_breakdown_table

STUDY = Path(__file__).parents[3] / "config/studies/multipoles.yaml"
ROWS = yaml.safe_load(STUDY.read_text())["variants"]
VARIANTS = (
    "AC-D",
    "AC-AD-D",
    "AC-Q",
    "AC-DQ",
    "AC-DQ-dw100",
    "AC-AD-DQ",
    "AC-AD-DQ-dw100",
    "AC-AD-DQ-c",
    "AC-AD-DQ-dw100-c",
)
SEEDS = (1, 2)
SHOWCASE = "gdb_000001"
N_MOLECULES = 7
# Planar carbonyl fluoride-like atoms in bohr: a triangle around a carbon, and charges for them.
NUMBERS = np.array([6, 8, 9, 1], dtype=np.uint8)
POSITIONS = np.array([[0, 0, 0], [0, 2.3, 0], [2.1, -1.2, 0], [-1.8, -1.0, 0]], dtype=float)
CHARGES = np.array([0.6, -0.5, -0.2, 0.1])


@dataclass(frozen=True)
class Run:
    """Files of the run."""

    folder: Path
    reference: Path
    variants = VARIANTS
    showcase = SHOWCASE
    numbers = NUMBERS
    positions = POSITIONS

    def sources(self, name: str, variants=VARIANTS, seeds=SEEDS) -> list[Source]:
        return [
            Source(variant, seed, self.folder / f"{variant}-{seed}-{name}")
            for variant in variants
            for seed in seeds
        ]

    def baselines(self, name: str) -> list[Source]:
        return [Source(b, None, self.folder / f"{b}-{name}") for b in BASELINES]


def multipoles(molecules, charges):
    terms = [
        (q, m.positions - centre_of_nuclear_charge(m.atomic_numbers, m.positions))
        for q, m in zip(charges, molecules, strict=True)
    ]
    return {
        "dipole": [dipole_terms(*t).sum(axis=0) for t in terms],
        "quadrupole": [quadrupole_terms(*t).sum(axis=0) for t in terms],
    }


def make_reference(rng):
    molecules, charges = [], []
    for k in range(1, N_MOLECULES + 1):
        distortion = 0.1 * rng.normal(size=POSITIONS.shape) * (k > 1)
        molecules.append(Molecule(f"gdb_{k:06d}", NUMBERS, POSITIONS + distortion, 0, "FC=O"))
        change = 0.05 * rng.normal(size=4)
        charges.append(CHARGES + change - change.mean())
    directions = rng.normal(size=(60, 3))
    points = 6.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    description = {"scale": 1.0, "spacing_bohr": 0.7, "smoothing_bohr": 0.2}
    vertices = van_der_waals_surface(NUMBERS, POSITIONS, **description).vertices
    plane = Plane((25, 20), np.array([-6.0, -5.0, 0.3]), np.eye(3)[0], np.eye(3)[1], 0.5)
    empty = (np.empty((0, 3)), np.empty(0))
    on_plane = (plane.points(), potential(plane.points(), POSITIONS, charges[0]))
    grids = {
        "mk": GridValues.from_ragged(
            [
                (points, potential(points, m.positions, q) + 1e-3 * rng.normal(size=60))
                for m, q in zip(molecules, charges, strict=True)
            ]
        ),
        "plane": GridValues.from_ragged([on_plane] + (N_MOLECULES - 1) * [empty]),
        "surface": GridValues.from_ragged(
            [(vertices, potential(vertices, POSITIONS, charges[0]))] + (N_MOLECULES - 1) * [empty]
        ),
    }
    properties = {
        **multipoles(molecules, charges),
        "mulliken_charges": charges,
        **mbis(rng, charges),
    }
    metadata = {
        "grids": {"plane": {SHOWCASE: plane.to_metadata()}, "surface": {SHOWCASE: description}},
        "grid_settings": {name: {"kind": name} for name in ("plane", "surface")},
    }
    return MoleculeTable.from_molecules(molecules, properties, grids, metadata)


def mbis(rng, charges):
    """Return MBIS multipoles near the charges that made the reference, of all molecules but one."""
    charges = [*charges[:-1], np.full(4, np.nan)]
    return {
        "archive_mbis_charges": [0.9 * q for q in charges],
        "archive_mbis_dipoles": [0.02 * rng.normal(size=(4, 3)) for _ in charges],
        "archive_mbis_quadrupoles": [
            from_second_moment(0.01 * rng.normal() * np.diag([1.0, 0.0, -1.0]) * np.ones((4, 1, 1)))
            for _ in charges
        ],
    }


def predict(table, scale):
    """Return predictions with all charges ``scale`` times those that made the reference."""
    molecules = [table.molecule(index) for index in range(len(table))]
    charges = [scale * table.property_of("mulliken_charges", k) for k in range(len(table))]
    properties = {"atomic_charges": charges, **multipoles(molecules, charges)}
    return MoleculeTable.from_molecules(molecules, properties)


def training_log(scale):
    steps = np.array([0, 10, 20, 50, 100])
    decay = scale / (1.0 + steps)
    return pd.DataFrame(
        {
            "step": steps,
            "epoch": steps / 10,
            "learning_rate": 1e-3,
            "train_loss": decay,
            "validation_loss": 1.5 * decay,
            "validation_dipole_rmse_e_bohr": 0.1 * decay,
            "validation_quadrupole_rmse_e_bohr2": decay,
        }
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    table = make_reference(np.random.default_rng(1))
    reference = folder / "reference.h5"
    table.save(reference)
    for k, variant in enumerate(VARIANTS):
        for seed in SEEDS:
            name = f"{variant}-{seed}"
            predict(table, 1.0 + 0.1 * (k + 1) * (-1) ** seed).save(folder / f"{name}-p.h5")
            evaluate_mep(folder / f"{name}-p.h5", reference, folder / f"{name}-mep.csv")
            errors = pd.read_csv(folder / f"{name}-mep.csv")
            errors["rmse_kcal_per_mol_e"] *= 1.5
            errors[errors["id"] != "gdb_000003"].to_csv(folder / f"{name}-foreign.csv", index=False)
            training_log(1.0 + k + seed).to_csv(folder / f"{name}-training.csv", index=False)
    splits = folder / "splits.csv"
    rows = [*(f"{i},test,0" for i in table.ids), "x,train,0", "y,validation,0"]
    splits.write_text("\n".join(["id,split,showcase", *rows]))
    for name in BASELINES:
        fit_baseline(name, reference, splits, "mk", folder / f"{name}-p.h5")
        evaluate_mep(folder / f"{name}-p.h5", reference, folder / f"{name}-mep.csv")
    made = Run(folder, reference)
    sources = made.sources("p.h5") + made.baselines("p.h5")
    files = folder / "breakdown.csv", folder / "breakdown.md"
    write_breakdown_table(sources, reference, "mk", *files)
    write_aromatics_table(
        made.sources("mep.csv") + made.baselines("mep.csv"),
        reference,
        "mk",
        folder / "aromatics.csv",
        folder / "aromatics.md",
    )
    for name, frame in penetration_tables().items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    trade_off().to_csv(folder / "trade_off.csv", index=False)
    learning_curve().to_csv(folder / "learning.csv", index=False)
    return made


def penetration_tables() -> dict[str, pd.DataFrame]:
    """Return tables by grid, by distance, and of extrema with their values, of all variants."""
    names = [*VARIANTS, "fitted-charges"]
    columns = [median_columns(name) for name in ("rmse_kcal_per_mol_e", WITH_PENETRATION)]
    keys = {"mep": [("grid", "mk"), ("grid", "chelpg")],
            "distance": [("order", 0.125), ("order", 0.375)]}  # fmt: skip
    tables = {
        table: pd.DataFrame(
            [
                {"representation": name, key: value, "n_structures": 9, "n_molecules": 7}
                | {"median_reference_rms_kcal_per_mol_e": 20.0}
                | dict(zip(alone, np.array([1.0, 0.9, 1.1]) * (k + 1.0), strict=True))
                | dict(zip(inside, np.array([0.5, 0.4, 0.6]) * (k + 1.0), strict=True))
                for key, value in pairs
                for k, name in enumerate(names)
                for alone, inside in [columns]
            ]
        )
        for table, pairs in keys.items()
    }
    rows = [
        (name, seed, f"m{k}", f"m{k}", "v_min", -5.0 * k, -4.0 * k + seed)
        for name in VARIANTS
        for seed in SEEDS
        for k in range(9)
    ]
    tables["values"] = pd.DataFrame(rows, columns=list(SHELL_COLUMNS))
    tables["extrema"] = pd.DataFrame({"representation": VARIANTS}).assign(
        quantity="v_min", mae=2.345, spearman=0.876
    )
    return tables


def trade_off() -> pd.DataFrame:
    rows = {"representation": [*VARIANTS, "mulliken"]}
    rows["terms"] = ["charges + dipoles" if "AD" in name else "charges" for name in VARIANTS] + [""]
    rows["dipole_share"] = [*np.linspace(0.0, 1.0, len(VARIANTS)), None]
    for multipole, unit in (("dipole", "e_bohr"), ("quadrupole", "e_bohr2")):
        errors = 0.1 * np.arange(1.0, len(VARIANTS) + 2.0)
        rows[f"median_{multipole}_rmse_{unit}"] = errors
        rows |= {f"median_{multipole}_low": 0.9 * errors, f"median_{multipole}_high": 1.2 * errors}
    return pd.DataFrame(rows | {"n_structures": 21, "n_molecules": 7})


def learning_curve() -> pd.DataFrame:
    rows = {"representation": ["AC-D"] * 3 + ["mulliken"], "n_training": [16, 32, 64, 0]}
    for column in ("rmse_kcal_per_mol_e", "dipole_rmse_e_bohr", "quadrupole_rmse_e_bohr2"):
        errors = np.array([4.0, 2.0, 1.0, 0.5])
        rows |= {f"median_{column}": errors, f"low_{column}": errors / 1.1}
        rows[f"high_{column}"] = 1.1 * errors
    return pd.DataFrame(rows | {"n_structures": 7, "n_molecules": 7})


@pytest.fixture
def rows() -> dict[str, dict]:
    """Rows of the nine variants, as the configuration has them."""
    return {name: ROWS[name] for name in VARIANTS}


def filter_steps() -> pd.DataFrame:
    reasons = ["uncharacterized"] * 3 + ["scf_not_converged"] + [""] * 16
    frame = pd.DataFrame({"id": [f"m{k}" for k in range(20)], "reason": reasons, "detail": ""})
    frame.insert(1, "verdict", ["rejected" if reason else "kept" for reason in reasons])
    looked_for = ["uncharacterized", "unsupported_element", "scf_not_converged", "dipole_mismatch"]
    return funnel(frame, looked_for)


def draw(run: Run, name: str, outputs: list[Path], variants=VARIANTS) -> None:
    """Draw the figure ``name`` of some variants of the run."""
    predictions = run.sources("p.h5", variants)
    errors = run.sources("mep.csv", variants) + run.baselines("mep.csv")
    first_seeds = run.sources("p.h5", variants[:3], (1,))
    models = run.sources("mep.csv", variants)
    foreign = {"qm9": run.sources("foreign.csv", variants)}
    functions = {
        "transfer": lambda: plot_transfer("spice", models, foreign, ROWS, "mk", outputs),
        "filter_funnel": lambda: plot_filter_funnel(filter_steps(), outputs),
        "mep_error": lambda: plot_mep_error(errors, ROWS, "mk", outputs),
        "multipole_parity": lambda: plot_multipole_parity(
            predictions, ROWS, run.reference, outputs
        ),
        "mep_parity": lambda: plot_mep_parity(predictions, run.reference, "mk", outputs),
        "training_curves": lambda: plot_training_curves(
            run.sources("training.csv", variants), ROWS, outputs
        ),
        "showcase": lambda: plot_showcase(first_seeds, run.reference, SHOWCASE, "plane", outputs),
        "surface": lambda: plot_surface(
            first_seeds,
            run.reference,
            SHOWCASE,
            "surface",
            outputs,
            run.folder / "surface.csv",
        ),
        "trade_off": lambda: plot_trade_off(run.folder / "trade_off.csv", ROWS, outputs),
        "mep_penetration": lambda: plot_mep_penetration(run.folder / "mep.csv", ROWS, outputs),
        "mep_distance": lambda: plot_mep_distance(
            run.folder / "distance.csv", [*variants[:3], "fitted-charges"], ROWS, outputs
        ),
        "extrema": lambda: plot_surface_minima(
            run.folder / "extrema.csv", run.folder / "values.csv", variants[:3], ROWS, outputs
        ),
        "aromatics": lambda: plot_aromatics(run.folder / "aromatics.csv", ROWS, "mk", outputs),
        "learning_curve": lambda: plot_learning_curve(run.folder / "learning.csv", ROWS, outputs),
    } | {
        f"mep_by_{by}": functools.partial(
            plot_mep_breakdown,
            run.folder / "breakdown.csv",
            by,
            [*variants[:3], "fitted-charges"],
            ROWS,
            outputs,
        )
        for by in ("distance", "element", "group")
    }
    functions[name]()


@pytest.fixture(scope="session")
def figure_of(run):
    """Return matplotlib's figure of a name: each is drawn once, as its function draws it."""

    @functools.cache
    def drawn(name: str) -> Figure:
        figures = []

        class Recorded(Figure):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                figures.append(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(style, "Figure", Recorded)
            draw(run, name, [run.folder / f"{name}.png"])
        return figures[0]

    return drawn


@pytest.fixture(scope="session")
def draw_few(run):
    """Return a function that draws the figure of a name with a few variants into files."""
    return lambda name, outputs, count=2: draw(run, name, outputs, VARIANTS[:count])


@pytest.fixture
def labels_of():
    return all_labels


@pytest.fixture
def collisions_of():
    return texts_that_collide


def all_labels(figure) -> set[str]:
    """All axis labels of a figure and its parts, the ones of whole rows and columns included."""
    found = {figure.get_supxlabel(), figure.get_supylabel()}
    for axes in figure.axes:
        found |= {axes.get_xlabel(), axes.get_ylabel()}
    for part in figure.subfigs:
        found |= all_labels(part)
    return found - {""}


def tick_labels(axes) -> list:
    """The labels of the ticks that are drawn."""
    found = []
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(limits)
        for tick in axis.get_major_ticks():
            if low <= tick.get_loc() <= high:
                found += [t for t in (tick.label1, tick.label2) if t.get_visible()]
    return found if axes.axison else []


def texts_that_collide(figure) -> list[str]:
    """Titles, labels, ticks and legends that overlap another one or leave the figure."""
    FigureCanvasAgg(figure).draw()
    axes = [one for one in figure.axes if one.get_visible()]
    texts = [t for one in axes for t in (one.title, one.xaxis.label, one.yaxis.label, *one.texts)]
    texts += [t for one in axes for t in tick_labels(one)]
    legends = [*figure.legends, *(one.get_legend() for one in axes if one.get_legend())]
    texts += [t for one in legends for t in (*one.get_texts(), one.get_title())]
    texts += [t for one in (figure, *figure.subfigs) for t in one.texts]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text()]
    width, height = figure.bbox.width, figure.bbox.height
    # A pixel of tolerance: extents are rounded.
    bad = [
        text
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    for k, (text, box) in enumerate(boxes):
        bad += [f"{text} / {other}" for other, its in boxes[:k] if box.overlaps(its)]
    return bad
