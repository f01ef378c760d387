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
        predictions=expand(
            f"{MODEL}/predictions.h5",
            variant=config["figures"]["showcase_variants"],
            seed=SEEDS[0],
            allow_missing=True,
        ),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("showcase_{molecule}", "Electrostatic potential", caption="showcase"),
    log:
        f"{LOGS}/plot_showcase/{{molecule}}.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: picture_grid(wildcards.dataset, "plane"),
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
        **figure("surface_{molecule}", "Electrostatic potential", caption="surface"),
        # The potentials at the vertices, which the figure shows.
        table=f"{FIGURES}/surface_{{molecule}}.csv",
    log:
        f"{LOGS}/plot_surface/{{molecule}}.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: picture_grid(wildcards.dataset, "surface"),
        style=config["figures"]["style"],
        code=code_digest("plot_surface"),
    message:
        "{wildcards.dataset}: figure of the potential on the surface of {wildcards.molecule}"
    script:
        "../scripts/plot_surface.py"


rule plot_mep_breakdown:
    input:
        table=rules.tabulate_mep_breakdown.output.csv,
    output:
        **figure("mep_by_{by}", "Electrostatic potential", caption="mep_breakdown"),
    log:
        f"{LOGS}/plot_mep_breakdown/{{by}}.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        names=lambda wildcards: drawn_representations(wildcards.dataset),
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
        **figure("trade_off", "Models"),
    log:
        f"{LOGS}/plot_trade_off.log",
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


rule figures:
    # Named target: every figure, from the results there are.
    input:
        all_figures(),
