"""A study comes and goes with its files: nothing else of the repository knows it."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tiny_repository import Repository, jobs_of

from level_cases import TINY_LEVEL

pytestmark = pytest.mark.xdist_group("studies")

GUEST: Final[dict[str, Any]] = {
    "variants": {
        "guest-Q": {
            "atomic_terms": ["charges"],
            "loss_weights": {"dipole": 0.5, "quadrupole": 1.0},
            "quadrupole_from": "charges",
        }
    },
    "tables": {"written": ["filters", "guest"]},
    "figures": {"drawn": ["training_curves"], "showcase_variants": ["guest-Q"]},
}
RULES: Final = """\
rule tabulate_guest:
    input:
        models=model_files("model.pt"),
    output:
        **table("guest", "of the guest"),
    log:
        f"{LOGS}/tabulate_guest.log",
    shell:
        "touch {output} > {log}"
"""
FILES: Final = {
    "config/studies/guest.yaml": yaml.safe_dump(GUEST),
    "workflow/rules/studies/guest.smk": RULES,
    "workflow/report/studies/guest.rst": "**Study guest.** It proves that there is room.\n",
    "workflow/report/guest_table.rst": "**Guest** ({{ snakemake.wildcards.dataset }}).\n",
}


def move_in(root: Path) -> None:
    for name, text in FILES.items():
        (root / name).write_text(text)


def move_out(root: Path) -> None:
    for name in FILES:
        (root / name).unlink()


def choose(repository: Repository, *studies: str, variants: tuple[str, ...]) -> None:
    path = repository.root / "config" / "tiny.yaml"
    run = yaml.safe_load(path.read_text()) | {"studies": list(studies)}
    run["training"]["variants"] = list(variants)
    run["figures"].pop("showcase_variants", None)
    path.write_text(yaml.safe_dump(run))


def test_a_study_is_added_and_removed_with_its_files(repository: Repository) -> None:
    showcase = ("AC-D", "AC-DQ-dw100", "AC-AD-DQ-dw100-c")
    choose(repository, "multipoles", variants=showcase)
    alone = repository.planned()
    assert alone["train_model"] == len(showcase)

    move_in(repository.root)
    assert repository.planned() == alone  # a guest who is not asked for changes nothing

    choose(repository, "multipoles", "guest", variants=(*showcase, "guest-Q"))
    done = repository.snakemake("--dry-run", "--printshellcmds")
    both = jobs_of(done.stdout)
    assert both == alone | {"train_model": len(showcase) + 1, "tabulate_guest": 1}
    assert "results/qm9/tables/guest.csv" in done.stdout

    move_out(repository.root)
    message = repository.snakemake("--dry-run", check=False)
    expected = "studies: there is no 'guest' in config/studies; choose among "
    assert expected in message.stdout + message.stderr
    choose(repository, "multipoles", variants=showcase)
    assert repository.planned() == alone


def test_the_study_that_is_there_can_go_too(repository: Repository) -> None:
    move_in(repository.root)
    choose(repository, "guest", variants=("guest-Q",))
    names = ("config/studies/multipoles.yaml", "workflow/report/studies/multipoles.rst")
    for name in names:
        (repository.root / name).unlink()
    assert repository.planned() == {
        "read_archive": 1,
        "filter_molecules": 1,
        "split_molecules": 1,
        "compute_reference": 2,
        "collect_reference": 1,
        "train_model": 1,
        "tabulate_filters": 1,
        "tabulate_guest": 1,
        "plot_training_curves": 1,
        "make_page": 1,
    }


def test_potentials_are_learned_beside_moments_and_can_go(repository: Repository) -> None:
    moments, learned = ("AC-D", "AC-DQ-dw100", "AC-AD-DQ-dw100-c"), ("AC-M", "AC-AD-AQ-MDQ")
    widths = {"penetration": {TINY_LEVEL["basis"]: {"H": 0.4, "C": 0.4, "N": 0.3, "O": 0.3}}}
    repository.configure(widths)
    choose(repository, "multipoles", variants=moments)
    alone = repository.planned()
    choose(repository, "multipoles", "potentials", variants=(*moments, *learned))
    both = repository.planned()
    own = ("tabulate_aromatics", "tabulate_mep_distance", "tabulate_extrema", "plot_aromatics")
    own += ("plot_mep_distance", "plot_extrema", "plot_mep_penetration")
    assert both == alone | {"train_model": len(moments) + len(learned)} | dict.fromkeys(own, 1)
    choose(repository, "potentials", variants=("AC-DQ-dw100", "AC-AD-DQ-dw100-c", *learned))
    parts = {"tabulate_learning_curve", "plot_learning_curve", "train_on_part"}
    assert not parts & repository.planned().keys()

    for name in ("config/studies/potentials.yaml", "workflow/report/studies/potentials.rst"):
        (repository.root / name).unlink()
    choose(repository, "multipoles", variants=moments)
    assert repository.planned() == alone


def test_a_table_that_no_rule_makes_is_named(repository: Repository) -> None:
    repository.configure({"tables": {"written": ["filters", "gossip"]}})
    done = repository.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    assert re.search(
        r"tables\.written: no rule makes 'gossip'; choose among agreement, .*filters, .*transfer",
        done.stdout + done.stderr,
    )


def test_lengths_and_charges_of_the_archive_leave_test_molecules_to_compute(
    repository: Repository,
) -> None:
    path = repository.root / "config" / "tiny.yaml"
    dataset = yaml.safe_load(path.read_text())["datasets"]["qm9"] | {"labels": "archive"}
    curve = {"datasets": ["qm9"], "variants": ["AC-N"], "fractions": [0.5]}
    repository.configure({"datasets": {"qm9": dataset}, "learning_curve": curve})
    choose(repository, "auxiliary", variants=("AC-N", "AC-N-q10"))
    planned = repository.planned()
    assert planned["compute_reference"] == 1  # 3 of 12 molecules, in shards of 6
    assert (planned["train_model"], planned["train_on_part"]) == (2, 1)
    own = ("tabulate_auxiliary", "plot_auxiliary_sizes", "plot_auxiliary_weights")
    assert {name: planned[name] for name in own} == dict.fromkeys(own, 1)
    # The potential of a model that learned |μ| stands nowhere without its directions.
    assert not {"tabulate_mep", "tabulate_learning_curve", "plot_mep_error"} & planned.keys()

    choose(repository, "auxiliary", variants=("AC-N", "AC-D"))
    message = repository.snakemake("--dry-run", check=False)
    said = "the variant AC-D learns dipole, which the archive tiny (format qm9) does not hold"
    assert said in (message.stdout + message.stderr).replace("\n", " ")
