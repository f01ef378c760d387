# How far off the mean of a variant's models is, told by their spread: for runs with several seeds.

VARIANT = f"{RESULTS}/{{dataset}}/models/{{variant}}"


def variant_files(name):
    """Return the file ``name`` of every variant of the wildcards' dataset."""
    return expand(f"{VARIANT}/{name}", variant=VARIANTS, allow_missing=True)


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    tabulate_uncertainty,
    plot_uncertainty,


rule calibrate_models:
    # One job for the models of a dataset: PyTorch starts and the reference is read once.
    input:
        models=model_files("model.pt"),
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        errors=variant_files("ensemble.csv"),
        calibrations=variant_files("calibration.json"),
    log:
        f"{LOGS}/calibrate_models.log",
    benchmark:
        f"{BENCHMARKS}/calibrate_models.tsv"
    conda:
        "../../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=gpus(config["training"]["device"]),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        widths=lambda wildcards: {
            variant: settings.learned_widths(config, wildcards.dataset, variant)
            for variant in VARIANTS
        },
        device=config["training"]["device"],
        code=lambda wildcards: code_digest(
            "calibrate_models",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: calibrating the spread of seeds"
    script:
        "../../scripts/calibrate_models.py"


rule tabulate_uncertainty:
    input:
        errors=rules.calibrate_models.output.errors,
        calibrations=rules.calibrate_models.output.calibrations,
    output:
        **table("uncertainty"),
    log:
        f"{LOGS}/tabulate_uncertainty.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_uncertainty.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANTS,
        code=code_digest("tabulate_uncertainty"),
    message:
        "{wildcards.dataset}: table of the uncertainty"
    script:
        "../../scripts/tabulate_uncertainty.py"


rule plot_uncertainty:
    input:
        errors=rules.calibrate_models.output.errors,
        calibrations=rules.calibrate_models.output.calibrations,
    output:
        **figure("uncertainty", "Models"),
    log:
        f"{LOGS}/plot_uncertainty.log",
    benchmark:
        f"{BENCHMARKS}/plot_uncertainty.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANTS,
        shown=config["figures"]["showcase_variants"],
        style=config["figures"]["style"],
        code=code_digest("plot_uncertainty"),
    message:
        "{wildcards.dataset}: figure of the uncertainty"
    script:
        "../../scripts/plot_uncertainty.py"
