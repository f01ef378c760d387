# Errors over the size of the training set, where the configuration asks for a learning curve.


include: "training_parts.smk"


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    tabulate_learning_curve,
    plot_learning_curve,


rule tabulate_learning_curve:
    input:
        # The whole training set last, in all three.
        splits=expand(
            rules.thin_training_set.output.splits, fraction=FRACTIONS, allow_missing=True
        )
        + [rules.split_molecules.output.splits],
        mep=part_files("mep.csv") + whole_files("mep.csv"),
        multipoles=part_files("multipoles.csv") + whole_files("multipoles.csv"),
        floors_mep=floor_files("mep.csv"),
        floors_multipoles=floor_files("multipoles.csv"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("learning_curve", "learning curve", datasets=LEARNING_CURVE["datasets"]),
    log:
        f"{LOGS}/tabulate_learning_curve.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_learning_curve.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_learning_curve"),
    message:
        "{wildcards.dataset}: table of the learning curve"
    script:
        "../../scripts/tabulate_learning_curve.py"


rule plot_learning_curve:
    input:
        table=rules.tabulate_learning_curve.output.csv,
    output:
        **figure("learning_curve", "Models", datasets=LEARNING_CURVE["datasets"]),
    log:
        f"{LOGS}/plot_learning_curve.log",
    benchmark:
        f"{BENCHMARKS}/plot_learning_curve.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_learning_curve"),
    message:
        "{wildcards.dataset}: figure of the learning curve"
    script:
        "../../scripts/plot_learning_curve.py"
