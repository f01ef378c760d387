# Lengths of dipoles, learned with the help of atomic charges.


include: "learning_curve_inputs.smk"


if LEARNING_CURVE["datasets"]:

    include: "training_parts.smk"


def baseline_files(name):
    """Return an input function: the file ``name`` of every baseline of the dataset."""
    return lambda wildcards: expand(
        f"{BASELINE}/{name}",
        dataset=wildcards.dataset,
        baseline=dataset_row(wildcards)["baselines"],
    )


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    plot_auxiliary_sizes,
    plot_auxiliary_weights,
    plot_auxiliary_charges,


rule tabulate_auxiliary:
    input:
        parts_splits=of_parts([f"{PART}/splits.csv"]),
        parts_predictions=of_parts(part_files("predictions.h5")),
        parts_mep=of_parts(part_files("mep.csv")),
        splits=rules.split_molecules.output.splits,
        predictions=model_files("predictions.h5"),
        mep=model_files("mep.csv"),
        baselines_predictions=baseline_files("predictions.h5"),
        baselines_mep=baseline_files("mep.csv"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("auxiliary", "dipoles with the help of charges"),
    log:
        f"{LOGS}/tabulate_auxiliary.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_auxiliary.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        variants=VARIANT_ROWS,
        code=code_digest("tabulate_auxiliary"),
    message:
        "{wildcards.dataset}: table of dipoles learned with the help of charges"
    script:
        "../../scripts/tabulate_auxiliary.py"


rule plot_auxiliary_sizes:
    input:
        table=rules.tabulate_auxiliary.output.csv,
    output:
        **figure(
            "auxiliary_sizes",
            "Models",
            datasets=LEARNING_CURVE["datasets"],
            title="dipole length over the size of the training set",
        ),
    log:
        f"{LOGS}/plot_auxiliary_sizes.log",
    benchmark:
        f"{BENCHMARKS}/plot_auxiliary_sizes.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_auxiliary_sizes"),
    message:
        "{wildcards.dataset}: figure of the dipole's length over the size of the training set"
    script:
        "../../scripts/plot_auxiliary_sizes.py"


rule plot_auxiliary_weights:
    input:
        table=rules.tabulate_auxiliary.output.csv,
    output:
        **figure("auxiliary_weights", "Models", title="weight of the charges"),
    log:
        f"{LOGS}/plot_auxiliary_weights.log",
    benchmark:
        f"{BENCHMARKS}/plot_auxiliary_weights.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_auxiliary_weights"),
    message:
        "{wildcards.dataset}: figure of gain, potential and direction over the weight of the charges"
    script:
        "../../scripts/plot_auxiliary_weights.py"


rule plot_auxiliary_charges:
    input:
        predictions=model_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("auxiliary_charges", "Models", title="parity of atomic charges"),
    log:
        f"{LOGS}/plot_auxiliary_charges.log",
    benchmark:
        f"{BENCHMARKS}/plot_auxiliary_charges.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_auxiliary_charges"),
    message:
        "{wildcards.dataset}: figure of predicted against reference charges"
    script:
        "../../scripts/plot_auxiliary_charges.py"
