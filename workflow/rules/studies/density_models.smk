# Labels and trainings of models of electron densities.

DENSITIES = config["densities"]
DENSITY = f"{RESULTS}/{{dataset}}/densities"
DENSITY_MODEL = f"{DENSITY}/{{density}}/seed-{{seed}}"
DENSITY_DATASETS = [
    name for name in DATASETS if archive_labels.has_densities(config, ARCHIVES, name)
]


def density_models(name):
    """Return the file ``name`` of the density models of the wildcards' dataset."""
    return [
        file
        for model in DENSITIES["models"]
        for file in expand(
            f"{DENSITY_MODEL}/{name}",
            density=model,
            seed=density_settings.density_value(DENSITIES, model, "seeds"),
            allow_missing=True,
        )
    ]


def density_labels(wildcards):
    """Return the labels in the basis of the wildcards' model."""
    basis = density_settings.density_value(DENSITIES, wildcards.density, "auxiliary_basis")
    return f"{DENSITY}/labels/{basis}.pt"


def density_network(wildcards):
    name = density_settings.density_value(DENSITIES, wildcards.density, "network")
    return config["density_networks"][name]


# Labels in the basis of the section, which figures and tables are about.
OWN_DENSITY_LABELS = f"{DENSITY}/labels/{DENSITIES['auxiliary_basis']}.pt"


wildcard_constraints:
    density="|".join(map(re.escape, DENSITIES["models"])),  # a density model
    auxiliary_basis="|".join(map(re.escape, density_settings.density_bases(DENSITIES))),


rule fit_densities:
    input:
        archive=lambda wildcards: archive_row(wildcards)["path"],
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        labels=f"{DENSITY}/labels/{{auxiliary_basis}}.pt",
    log:
        f"{LOGS}/fit_densities/{{auxiliary_basis}}.log",
    benchmark:
        f"{BENCHMARKS}/fit_densities/{{auxiliary_basis}}.tsv"
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
        "{wildcards.dataset}: fitting the labels of density models, {wildcards.auxiliary_basis}"
    script:
        "../../scripts/fit_densities.py"


rule train_density:
    input:
        labels=density_labels,
    output:
        model=f"{DENSITY_MODEL}/model.pt",
        training_log=f"{DENSITY_MODEL}/training.csv",
    log:
        f"{LOGS}/train_density/{{density}}/seed-{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_density/{{density}}/seed-{{seed}}.tsv"
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
        network=density_network,
        training=lambda wildcards: density_settings.density_training(DENSITIES, wildcards.density),
        code=code_digest("train_density"),
    message:
        "{wildcards.dataset}: training the density model {wildcards.density}, seed {wildcards.seed}"
    script:
        "../../scripts/train_density.py"
