# Energies and forces beside multipoles and potentials: the study of PhysNet beside PiNet2.


include: "learning_curve_inputs.smk"


if LEARNING_CURVE["datasets"]:

    include: "training_parts.smk"


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    tabulate_energies,
    plot_energy_sizes,


rule tabulate_energies:
    input:
        parts_splits=of_parts([f"{PART}/splits.csv"]),
        parts_predictions=of_parts(part_files("predictions.h5")),
        parts_mep=of_parts(part_files("mep.csv")),
        parts_logs=of_parts(part_files("training.csv")),
        splits=rules.split_molecules.output.splits,
        predictions=model_files("predictions.h5"),
        mep=model_files("mep.csv"),
        logs=model_files("training.csv"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("energies", "energies and forces"),
    log:
        f"{LOGS}/tabulate_energies.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_energies.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_energies"),
    message:
        "{wildcards.dataset}: table of energies and forces"
    script:
        "../../scripts/tabulate_energies.py"


rule plot_energy_sizes:
    input:
        table=rules.tabulate_energies.output.csv,
    output:
        **figure(
            "energy_sizes",
            "Models",
            datasets=LEARNING_CURVE["datasets"],
            title="energies, forces and dipoles over the size of the training set",
        ),
    log:
        f"{LOGS}/plot_energy_sizes.log",
    benchmark:
        f"{BENCHMARKS}/plot_energy_sizes.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_energy_sizes"),
    message:
        "{wildcards.dataset}: figure of energies, forces and dipoles over the size of the training set"
    script:
        "../../scripts/plot_energy_sizes.py"


rule plot_energy_parity:
    input:
        predictions=model_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("energy_parity", "Models", title="energies and forces"),
    log:
        f"{LOGS}/plot_energy_parity.log",
    benchmark:
        f"{BENCHMARKS}/plot_energy_parity.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_energy_parity"),
    message:
        "{wildcards.dataset}: figure of predicted against reference energies and forces"
    script:
        "../../scripts/plot_energy_parity.py"
