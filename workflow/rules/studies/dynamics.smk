# The dynamics of a molecule on models of its energy, and its infrared spectrum.


# Both studies of densities have these rules, which must be there once.
if "DENSITY_MODEL" not in globals():

    include: "density_models.smk"


DYNAMICS = config["dynamics"]
MOVING = f"{RESULTS}/{{dataset}}/dynamics"
MOVING_DATASETS = [DYNAMICS["dataset"]]
ENERGIES = config["density_energies"]
FROZEN = f"{RESULTS}/{{dataset}}/density_energies"
ENERGY_MODEL = f"{FROZEN}/{{energy}}/seed-{{seed}}"


FROZEN_MODEL = expand(
    f"{DENSITY_MODEL}/model.pt",
    density=ENERGIES["density"],
    seed=density_settings.density_value(DENSITIES, ENERGIES["density"], "seeds")[:1],
    allow_missing=True,
)


wildcard_constraints:
    energy="|".join(map(re.escape, ENERGIES["models"])),  # a model of energies from densities


def energy_network(name):
    return config["density_networks"][density_settings.density_value(ENERGIES, name, "network")]


def frozen_densities(wildcards):
    """Return the frozen densities where the model of the wildcards takes densities in."""
    inputs = density_settings.density_value(ENERGIES, wildcards.energy, "inputs")
    return [] if inputs == "geometry" else f"{FROZEN}/frozen.pt".format(**wildcards)


def energy_models(name):
    """Return the model files of a row of density_energies, or of a variant, seed by seed."""
    if name not in ENERGIES["models"]:
        return of_trainings(f"{MODEL}/model.pt", [name])
    seeds = density_settings.density_value(ENERGIES, name, "seeds")
    return expand(f"{ENERGY_MODEL}/model.pt", energy=name, seed=seeds, allow_missing=True)


def compared_models():
    """Return the files of all models of energies: from densities, and of variants with forces."""
    names = [*ENERGIES["models"], *filter(partial(training_rows.learns_forces, config), VARIANTS)]
    return [file for name in names for file in energy_models(name)]


# Seconds: on a cluster they run where Snakemake does.
localrules:
    tabulate_dynamics,
    plot_infrared,
    plot_energy_conservation,
    plot_moving_surface,


rule freeze_densities:
    input:
        density=FROZEN_MODEL,
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        frozen=f"{FROZEN}/frozen.pt",
    log:
        f"{LOGS}/freeze_densities.log",
    benchmark:
        f"{BENCHMARKS}/freeze_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        degree=max(energy_network(name)["hidden_degree"] for name in ENERGIES["models"]),
        largest=ENERGIES["largest_frozen"],
        code=code_digest("freeze_densities"),
    message:
        "{wildcards.dataset}: derivatives of densities along the positions"
    script:
        "../../scripts/freeze_densities.py"


rule train_density_energy:
    input:
        density=FROZEN_MODEL,
        frozen=frozen_densities,
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        model=f"{ENERGY_MODEL}/model.pt",
        training_log=f"{ENERGY_MODEL}/training.csv",
    log:
        f"{LOGS}/train_density_energy/{{energy}}/seed-{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_density_energy/{{energy}}/seed-{{seed}}.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=1440,  # a training that needs longer goes on from its checkpoint at the next attempt
        gpu=gpus(ENERGIES["training"]["device"]),
    params:
        # Checkpoints live here: declared outputs of a failed job would be deleted.
        state=f"{ENERGY_MODEL}/state",
        network=lambda wildcards: energy_network(wildcards.energy),
        inputs=lambda wildcards: density_settings.density_value(
            ENERGIES, wildcards.energy, "inputs"
        ),
        training=lambda wildcards: density_settings.density_training(ENERGIES, wildcards.energy),
        code=code_digest("train_density_energy"),
    message:
        "{wildcards.dataset}: training the energy model {wildcards.energy}, seed {wildcards.seed}"
    script:
        "../../scripts/train_density_energy.py"


rule evaluate_surfaces:
    input:
        models=compared_models(),
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
        reference_modes=located(DYNAMICS["reference_modes"]),
    output:
        surfaces=f"{MOVING}/surfaces.csv",
    log:
        f"{LOGS}/evaluate_surfaces.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_surfaces.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        code=lambda wildcards: code_digest(
            "evaluate_surfaces",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: errors of the models of energies"
    script:
        "../../scripts/evaluate_surfaces.py"


rule run_dynamics:
    input:
        models=energy_models(DYNAMICS["model"]),
        start=located(DYNAMICS["reference_modes"]),
    output:
        trajectory=f"{MOVING}/trajectory.h5",
        frames=f"{MOVING}/replica-0.extxyz",
        modes=f"{MOVING}/modes.json",
    log:
        f"{LOGS}/run_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/run_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=1440,  # one that needs longer goes on from its journal at the next attempt
    params:
        # The journal lives here: declared outputs of a failed job would be deleted.
        state=f"{MOVING}/state",
        settings=DYNAMICS["settings"],
        name=DYNAMICS["model"],
        code=lambda wildcards: code_digest(
            "run_dynamics",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: dynamics"
    script:
        "../../scripts/run_dynamics.py"


rule analyse_dynamics:
    input:
        trajectory=rules.run_dynamics.output.trajectory,
        modes=rules.run_dynamics.output.modes,
        reference_modes=located(DYNAMICS["reference_modes"]),
        model=energy_models(DYNAMICS["model"])[:1],
    output:
        conservation=f"{MOVING}/conservation.csv",
        energies=f"{MOVING}/energies.csv",
        spectrum=f"{MOVING}/spectrum.csv",
        bands=f"{MOVING}/bands.csv",
        modes=f"{MOVING}/matched_modes.csv",
        surface=f"{MOVING}/surface.npz",
    log:
        f"{LOGS}/analyse_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/analyse_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        penetration=penetration_row,
        spectrum=DYNAMICS["spectrum"],
        surface_frames=DYNAMICS["surface_frames"],
        code=lambda wildcards: code_digest(
            "analyse_dynamics",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: energy, spectrum and surface of the dynamics"
    script:
        "../../scripts/analyse_dynamics.py"


rule tabulate_dynamics:
    input:
        surfaces=rules.evaluate_surfaces.output.surfaces,
        conservation=rules.analyse_dynamics.output.conservation,
        bands=rules.analyse_dynamics.output.bands,
        modes=rules.analyse_dynamics.output.modes,
    output:
        **table("dynamics", "dynamics and infrared spectrum", datasets=MOVING_DATASETS),
    log:
        f"{LOGS}/tabulate_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        settings=DYNAMICS["settings"],
        code=code_digest("tabulate_dynamics"),
    message:
        "{wildcards.dataset}: table of the dynamics"
    script:
        "../../scripts/tabulate_dynamics.py"


rule plot_infrared:
    input:
        spectrum=rules.analyse_dynamics.output.spectrum,
        modes=rules.analyse_dynamics.output.modes,
    output:
        **figure(
            "infrared",
            "Dynamics",
            title="infrared spectrum",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_infrared.log",
    benchmark:
        f"{BENCHMARKS}/plot_infrared.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        experiment=DYNAMICS["spectrum"]["experiment"],
        style=config["figures"]["style"],
        code=code_digest("plot_infrared"),
    message:
        "{wildcards.dataset}: figure of the infrared spectrum"
    script:
        "../../scripts/plot_infrared.py"


rule plot_energy_conservation:
    input:
        energies=rules.analyse_dynamics.output.energies,
        conservation=rules.analyse_dynamics.output.conservation,
    output:
        **figure(
            "energy_conservation",
            "Dynamics",
            title="energy over time",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_energy_conservation.log",
    benchmark:
        f"{BENCHMARKS}/plot_energy_conservation.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_energy_conservation"),
    message:
        "{wildcards.dataset}: figure of the energy of the dynamics"
    script:
        "../../scripts/plot_energy_conservation.py"


rule plot_moving_surface:
    input:
        surface=rules.analyse_dynamics.output.surface,
    output:
        **figure(
            "moving_surface",
            "Dynamics",
            title="potential on the moving surface",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_moving_surface.log",
    benchmark:
        f"{BENCHMARKS}/plot_moving_surface.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_moving_surface"),
    message:
        "{wildcards.dataset}: figure of the potential on the moving surface"
    script:
        "../../scripts/plot_moving_surface.py"
