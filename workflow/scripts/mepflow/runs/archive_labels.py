"""Readers of archives by format, the labels that an archive holds, and what models want of them.

Only the standard library is imported: the workflow reads this whenever it is parsed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mepflow.errors import SettingError
from mepflow.models.targets import FITTED

Config = Mapping[str, Any]

READERS: Final = {
    "qm9": "mepflow.archives.qm9_table",
    "spice": "mepflow.archives.spice_table",
    "labelled": "mepflow.archives.labelled_table",
    "extxyz": "mepflow.archives.extxyz_table",
}
"""Module whose ``read_archive`` reads an archive of each format."""
POTENTIAL: Final = "mep"
"""The label that, beside the molecular multipoles, makes every reference calculation needless."""
_FORCES: Final = "forces"
_MULTIPOLES: Final = ("dipole", "quadrupole")
"""Labels that every evaluation needs, whether a model is trained on them or not."""
_LABELS_OF_FORMAT: Final = {
    "qm9": ("dipole_norm", "mulliken_charges", "energy"),
    "spice": ("dipole", "quadrupole", "dipole_norm", "mbis_charges", "energy", "forces"),
}
"""Labels of the formats whose records all hold the same; in other formats an archive's row says."""
_EXTXYZ_KEYS: Final = ("labels", "keys", "units", "quadrupole_form", "multipole_origin")
"""Keys of an archive's row that its reader needs in the format extxyz."""


def held_labels(archive: Config) -> tuple[str, ...]:
    """Return the labels that the records of an archive (its row) hold."""
    own = _LABELS_OF_FORMAT.get(archive["format"])
    if own is not None:
        return (*own, POTENTIAL) if "potentials" in archive else own
    listed = tuple(archive["labels"])
    follows = ("dipole_norm",) if "dipole" in listed else ()
    return listed + tuple(name for name in follows if name not in listed)


def wanted_labels(config: Config) -> dict[str, str]:
    """Return the labels that the trained variants learn, each with the first variant that does."""
    wanted: dict[str, str] = {}
    for variant in config["training"]["variants"]:
        for label in _labels_of(config["variants"][variant]):
            wanted.setdefault(label, variant)
    return wanted


def _labels_of(variant: Config) -> Iterator[str]:
    for target, weight in variant["loss_weights"].items():
        if not weight:
            continue
        if target != "charges":
            yield target
        elif variant["charges_like"] == FITTED:
            yield POTENTIAL
        else:
            yield f"{variant['charges_like']}_charges"


def check_labels(config: Config, archives: Config, dataset: str) -> None:
    """Raise :class:`SettingError` where an archive lacks a label that a dataset takes from it."""
    row = config["datasets"][dataset]
    archive = archives[row["archive"]]
    held = held_labels(archive)
    name = f"the archive {row['archive']} (format {archive['format']})"
    if row["labels"] == "archive":
        for label, variant in wanted_labels(config).items():
            if label not in held:
                raise SettingError(
                    ["datasets", dataset, "labels"],
                    f"the variant {variant} learns {label}, which {name}"
                    f" does not hold (it holds {', '.join(held)}): set labels to computed, or train"
                    " other variants",
                )
    needed = {"mbis": "mbis_charges"}
    if needs_no_calculation(row, archive):
        needed["mulliken"] = "mulliken_charges"
    for prefix, label in needed.items():
        for baseline in row["baselines"]:
            if baseline.startswith(prefix) and label not in held:
                raise SettingError(
                    ["datasets", dataset, "baselines"],
                    f"{baseline} needs {label}, which {name} does not hold: leave it out",
                )


def needs_no_calculation(row: Config, archive: Config) -> bool:
    """Return whether all that is known of a dataset's molecules is from its archive."""
    own = {*held_labels(archive)} if "potentials" not in archive else set()
    needed = {POTENTIAL, *_MULTIPOLES} if row["grids"] else {*_MULTIPOLES}
    return row["labels"] == "archive" and needed <= own


def computes_forces(config: Config, dataset: str) -> bool:
    """Return whether a dataset's forces, which a variant learns, are computed."""
    is_computed = config["datasets"][dataset]["labels"] == "computed"
    return is_computed and _FORCES in wanted_labels(config)


def has_densities(config: Config, archives: Config, dataset: str) -> bool:
    """Return whether a dataset's archive is a file of labels with density coefficients."""
    row = config["datasets"][dataset]
    is_labelled: bool = archives[row["archive"]]["format"] == "labelled"
    return is_labelled and bool(row["labels"] == "archive")


def stored_potentials(config: Config, archives: Config, dataset: str) -> list[str]:
    """Return the file beside an archive that has the potentials of a dataset's molecules, if any.

    It is asked for where labels are the archive's and a grid covers all molecules.
    """
    path = archives[config["datasets"][dataset]["archive"]].get("potentials")
    return [path] if path and stored_grids(config, dataset) else []


def published_reference(config: Config, archives: Config, dataset: str) -> list[str]:
    """Return the file whose values stand in the place of a dataset's calculations, if any."""
    path = archives[config["datasets"][dataset]["archive"]].get("reference")
    return [path] if path else []


def stored_grids(config: Config, dataset: str) -> dict[str, Any]:
    """Return the grids of a dataset that cover molecules which are not computed."""
    row = config["datasets"][dataset]
    grids = {name: config["grids"][name] for name in row["grids"]}
    is_computed = row["labels"] != "archive"
    return {n: g for n, g in grids.items() if g["molecules"] == "all" and not is_computed}


def tables(config: Config, archives: Config, dataset: str) -> list[str]:
    """Return the tables that compare an archive's labels: with ours, and among themselves."""
    row = config["datasets"][dataset]
    archive = archives[row["archive"]]
    names = [] if needs_no_calculation(row, archive) else ["agreement"]
    if row["labels"] == "archive" and "mbis_charges" in held_labels(archive):
        names.append("labels")
    return names


def reader_options(config: Config, archives: Config, dataset: str) -> dict[str, Any]:
    """Return what a dataset tells the reader of its archive."""
    row = config["datasets"][dataset]
    archive = archives[row["archive"]]
    match archive["format"]:
        case "spice":
            gradients = {"gradients": True} if _FORCES in wanted_labels(config) else {}
            return {"conformers": row["conformers"], **gradients}
        case "labelled":
            level = config["levels_of_theory"].get(row["level_of_theory"])
            is_level_checked = row["labels"] == "archive"
            grids = row["grids"] if needs_no_calculation(row, archive) else []
            return {
                "labels": archive["labels"],
                "level": level if is_level_checked else None,
                "grids": {name: config["grids"][name] for name in grids},
            }
        case "extxyz":
            return {key: archive[key] for key in _EXTXYZ_KEYS if key in archive}
        case _:
            return {}
