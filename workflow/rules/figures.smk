# Figures, as PNG and PDF. Each is drawn from the tables and files of the run alone.


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    plot_filter_funnel,
    plot_training_curves,
    plot_mep_error,
    plot_showcase,
    plot_surface,
    plot_mep_breakdown,
    plot_trade_off,


rule plot_filter_funnel:
    input:
        funnel=rules.collect_reference.output.funnel,
    output:
        **figure("filter_funnel", "Data"),
    log:
        f"{LOGS}/plot_filter_funnel.log",
    benchmark:
        f"{BENCHMARKS}/plot_filter_funnel.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_filter_funnel"),
    message:
        "{wildcards.dataset}: figure of the filters"
    script:
        "../scripts/plot_filter_funnel.py"


rule plot_training_curves:
    input:
        logs=model_files("training.csv"),
    output:
        **figure("training_curves", "Models"),
    log:
        f"{LOGS}/plot_training_curves.log",
    benchmark:
        f"{BENCHMARKS}/plot_training_curves.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_training_curves"),
    message:
        "{wildcards.dataset}: figure of the training curves"
    script:
        "../scripts/plot_training_curves.py"


rule plot_multipole_parity:
    input:
        predictions=model_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("multipole_parity", "Models"),
    log:
        f"{LOGS}/plot_multipole_parity.log",
    benchmark:
        f"{BENCHMARKS}/plot_multipole_parity.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_multipole_parity"),
    message:
        "{wildcards.dataset}: figure of predicted against reference multipoles"
    script:
        "../scripts/plot_multipole_parity.py"


rule plot_mep_error:
    input:
        errors=result_files("mep.csv"),
    output:
        **figure("mep_error", "Electrostatic potential"),
    log:
        f"{LOGS}/plot_mep_error.log",
    benchmark:
        f"{BENCHMARKS}/plot_mep_error.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_mep_error"),
    message:
        "{wildcards.dataset}: figure of the MEP errors"
    script:
        "../scripts/plot_mep_error.py"


rule plot_mep_parity:
    input:
        predictions=model_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("mep_parity", "Electrostatic potential"),
    log:
        f"{LOGS}/plot_mep_parity.log",
    benchmark:
        f"{BENCHMARKS}/plot_mep_parity.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        style=config["figures"]["style"],
        code=code_digest("plot_mep_parity"),
    message:
        "{wildcards.dataset}: figure of predicted against reference potentials"
    script:
        "../scripts/plot_mep_parity.py"


rule plot_showcase:
    input:
        predictions=first_models("predictions.h5", config["figures"]["showcase_variants"]),
        reference=rules.collect_reference.output.reference,
    output:
        **figure(
            "showcase_{molecule}",
            "Electrostatic potential",
            "showcase",
            title="potential in a plane {molecule}",
            molecule=lambda dataset: contents.picture_names(config, dataset, "plane"),
        ),
    log:
        f"{LOGS}/plot_showcase/{{molecule}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_showcase/{{molecule}}.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        molecule=lambda wildcards: contents.picture_names(config, wildcards.dataset, "plane")[
            wildcards.molecule
        ],
        grid=lambda wildcards: contents.picture_grid(config, wildcards.dataset, "plane"),
        style=config["figures"]["style"],
        code=code_digest("plot_showcase"),
    message:
        "{wildcards.dataset}: figure of the potential around {wildcards.molecule}"
    script:
        "../scripts/plot_showcase.py"


rule plot_surface:
    input:
        predictions=rules.plot_showcase.input.predictions,
        reference=rules.collect_reference.output.reference,
    output:
        **figure(
            "surface_{molecule}",
            "Electrostatic potential",
            "surface",
            title="potential on the surface {molecule}",
            molecule=lambda dataset: contents.picture_names(config, dataset, "surface"),
        ),
        # The potentials at the vertices, which the figure shows.
        table=f"{FIGURES}/surface_{{molecule}}.csv",
    log:
        f"{LOGS}/plot_surface/{{molecule}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_surface/{{molecule}}.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        molecule=lambda wildcards: contents.picture_names(config, wildcards.dataset, "surface")[
            wildcards.molecule
        ],
        grid=lambda wildcards: contents.picture_grid(config, wildcards.dataset, "surface"),
        penetration=penetration_row,
        style=config["figures"]["style"],
        code=code_digest("plot_surface"),
    message:
        "{wildcards.dataset}: figure of the potential on the surface of {wildcards.molecule}"
    script:
        "../scripts/plot_surface.py"


# The page shows the surfaces too, to turn around.
if "surface" in config["figures"]["drawn"]:
    PAGE_VIEWS += [
        plan.SurfaceView(
            dataset,
            contents.picture_grid(config, dataset, "surface"),
            contents.pictured(config, dataset, "surface"),
            f"{dataset}/reference/reference.h5",
            [
                f"{dataset}/models/{variant}/seed-{first_seed(variant)}/predictions.h5"
                for variant in config["figures"]["showcase_variants"]
            ],
        )
        for dataset in DATASETS
        if contents.pictured(config, dataset, "surface")
    ]


rule plot_mep_breakdown:
    input:
        table=rules.tabulate_mep_breakdown.output.csv,
    output:
        **figure(
            "mep_by_{by}",
            "Electrostatic potential",
            "mep_breakdown",
            by=lambda dataset: contents.BREAKDOWNS,
        ),
    log:
        f"{LOGS}/plot_mep_breakdown/{{by}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_mep_breakdown/{{by}}.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        names=lambda wildcards: contents.drawn_representations(config, wildcards.dataset),
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_mep_breakdown"),
    message:
        "{wildcards.dataset}: figure of the MEP errors by {wildcards.by}"
    script:
        "../scripts/plot_mep_breakdown.py"


rule plot_trade_off:
    input:
        table=rules.tabulate_trade_off.output.csv,
    output:
        **figure("trade_off", "Models", title="trade-off of the loss weights"),
    log:
        f"{LOGS}/plot_trade_off.log",
    benchmark:
        f"{BENCHMARKS}/plot_trade_off.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_trade_off"),
    message:
        "{wildcards.dataset}: figure of the trade-off between dipole and quadrupole"
    script:
        "../scripts/plot_trade_off.py"
