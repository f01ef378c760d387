# Electron densities of the test molecules, and models of densities.

DENSITIES = config["densities"]
DENSITY = f"{RESULTS}/{{dataset}}/densities"
DENSITY_MODEL = f"{DENSITY}/density/seed-{{seed}}"
DENSITY_DATASETS = [
    name for name in DATASETS if archive_labels.has_densities(config, ARCHIVES, name)
]


def density_models(name):
    """Return the file ``name`` of the density models of the wildcards' dataset."""
    return expand(f"{DENSITY_MODEL}/{name}", seed=DENSITIES["seeds"], allow_missing=True)


# Seconds: on a cluster they run where Snakemake does.
localrules:
    tabulate_densities,
    plot_density_errors,
    plot_density_plane,
    plot_density_dipoles,


rule fit_densities:
    input:
        archive=lambda wildcards: archive_row(wildcards)["path"],
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        labels=f"{DENSITY}/labels.pt",
    log:
        f"{LOGS}/fit_densities.log",
    benchmark:
        f"{BENCHMARKS}/fit_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        level=level_row,
        grid=DENSITIES["potential_grid"],
        points=DENSITIES["potential_points"],
        weight=DENSITIES["potential_weight"],
        code=code_digest("fit_densities"),
    message:
        "{wildcards.dataset}: fitting the labels of density models"
    script:
        "../../scripts/fit_densities.py"


rule compute_densities:
    input:
        labels=rules.fit_densities.output.labels,
    output:
        computed=f"{DENSITY}/computed.pt",
    log:
        f"{LOGS}/compute_densities.log",
    benchmark:
        f"{BENCHMARKS}/compute_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        level=lambda wildcards: dataset_row(wildcards)["level_of_theory"],
        level_row=level_row,
        grids={name: config["grids"][name] for name in DENSITIES["compared_grids"]},
        fitted_grid=DENSITIES["potential_grid"],
        plane=config["grids"][DENSITIES["plane"]],
        molecules=DENSITIES["compared"],
        code=code_digest("compute_densities"),
    message:
        "{wildcards.dataset}: exact densities of test molecules"
    script:
        "../../scripts/compute_densities.py"


rule train_density:
    input:
        labels=rules.fit_densities.output.labels,
    output:
        model=f"{DENSITY_MODEL}/model.pt",
        training_log=f"{DENSITY_MODEL}/training.csv",
    log:
        f"{LOGS}/train_density/seed-{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_density/seed-{{seed}}.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=1440,  # a training that needs longer goes on from its checkpoint at the next attempt
        gpu=gpus(DENSITIES["training"]["device"]),
    params:
        # Checkpoints live here: declared outputs of a failed job would be deleted.
        state=f"{DENSITY_MODEL}/state",
        network=config["density_networks"][DENSITIES["network"]],
        training=DENSITIES["training"],
        code=code_digest("train_density"),
    message:
        "{wildcards.dataset}: training a density model, seed {wildcards.seed}"
    script:
        "../../scripts/train_density.py"


rule evaluate_densities:
    input:
        models=density_models("model.pt"),
        labels=rules.fit_densities.output.labels,
        computed=rules.compute_densities.output.computed,
        multipoles=result_files("predictions.h5"),
    output:
        errors=f"{DENSITY}/errors.csv",
        dipoles=f"{DENSITY}/dipoles.csv",
        plane=f"{DENSITY}/plane.npz",
    log:
        f"{LOGS}/evaluate_densities.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        code=code_digest("evaluate_densities"),
    message:
        "{wildcards.dataset}: evaluating the density models"
    script:
        "../../scripts/evaluate_densities.py"


rule tabulate_densities:
    input:
        errors=rules.evaluate_densities.output.errors,
    output:
        **table("densities", "electron densities", datasets=DENSITY_DATASETS),
    log:
        f"{LOGS}/tabulate_densities.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_densities.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_digest("tabulate_densities"),
    message:
        "{wildcards.dataset}: table of the densities"
    script:
        "../../scripts/tabulate_densities.py"


rule plot_density_errors:
    input:
        table=rules.tabulate_densities.output.csv,
    output:
        **figure(
            "density_errors",
            "Electron density",
            title="errors of densities and multipoles",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_errors.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_errors.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=DENSITIES["potential_grid"],
        style=config["figures"]["style"],
        code=code_digest("plot_density_errors"),
    message:
        "{wildcards.dataset}: figure of the errors of densities"
    script:
        "../../scripts/plot_density_errors.py"


rule plot_density_plane:
    input:
        plane=rules.evaluate_densities.output.plane,
    output:
        **figure(
            "density_plane",
            "Electron density",
            title="density in a plane",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_plane.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_plane.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_density_plane"),
    message:
        "{wildcards.dataset}: figure of the density in a plane"
    script:
        "../../scripts/plot_density_plane.py"


rule plot_density_dipoles:
    input:
        dipoles=rules.evaluate_densities.output.dipoles,
    output:
        **figure(
            "density_dipoles",
            "Electron density",
            title="dipoles of densities",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_dipoles.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_dipoles.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_density_dipoles"),
    message:
        "{wildcards.dataset}: figure of the dipoles of densities"
    script:
        "../../scripts/plot_density_dipoles.py"
