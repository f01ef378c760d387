# Models of one dataset on the test molecules of another, where a run has at least two.


include: "transfer_inputs.smk"


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    tabulate_transfer,
    plot_transfer,


rule find_known:
    input:
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
        other_reference=of_source(rules.collect_reference.output.reference),
        other_splits=of_source(rules.split_molecules.output.splits),
    output:
        known=f"{TRANSFER}/known.csv",
    log:
        f"{LOGS}/find_known/from-{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/find_known/from-{{source}}.tsv"
    conda:
        "../../../envs/data.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code_digest("find_known"),
    message:
        "{wildcards.dataset}: test molecules that models of {wildcards.source} have learned from"
    script:
        "../../scripts/find_known.py"


rule evaluate_transfer:
    input:
        models=list(map(of_source, model_files("model.pt"))),
        known=rules.find_known.output.known,
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        predictions=foreign_files("predictions.h5"),
        mep=foreign_files("mep.csv"),
        multipoles=foreign_files("multipoles.csv"),
    log:
        f"{LOGS}/evaluate_transfer/from-{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_transfer/from-{{source}}.tsv"
    conda:
        "../../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=gpus(config["training"]["device"]),
    params:
        device=config["training"]["device"],
        penetration=penetration_row,
        code=lambda wildcards: code_digest(
            "evaluate_transfer",
            *training_rows.prediction_modules(config, wildcards.source),
        ),
    message:
        "{wildcards.dataset}: evaluating the models of {wildcards.source}"
    script:
        "../../scripts/evaluate_transfer.py"


rule tabulate_transfer:
    input:
        own_mep=model_files("mep.csv"),
        own_multipoles=model_files("multipoles.csv"),
        mep=transfer_files("mep.csv"),
        multipoles=transfer_files("multipoles.csv"),
    output:
        **table("transfer"),
    log:
        f"{LOGS}/tabulate_transfer.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_transfer.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_transfer"),
    message:
        "{wildcards.dataset}: table of models of other datasets"
    script:
        "../../scripts/tabulate_transfer.py"


rule plot_transfer:
    input:
        own=model_files("mep.csv"),
        errors=transfer_files("mep.csv"),
    output:
        **figure("transfer", "Electrostatic potential"),
    log:
        f"{LOGS}/plot_transfer.log",
    benchmark:
        f"{BENCHMARKS}/plot_transfer.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_transfer"),
    message:
        "{wildcards.dataset}: figure of models of other datasets"
    script:
        "../../scripts/plot_transfer.py"
