# Extrema and statistics of the MEP on a surface, for runs that ask for them.


def with_shells():
    """Return the datasets that have a grid of shells."""
    return [one for one in DATASETS if contents.picture_grid(config, one, "shells")]


# Seconds: on a cluster it runs where Snakemake does.
localrules:
    plot_extrema,


rule tabulate_extrema:
    input:
        predictions=result_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **table(
            "extrema",
            "extrema on a surface",
            datasets=with_shells(),
        ),
        # The quantities of every structure, which the figure shows.
        values=f"{TABLES}/extrema_values.csv",
    log:
        f"{LOGS}/tabulate_extrema.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_extrema.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        grid=lambda wildcards: contents.picture_grid(config, wildcards.dataset, "shells"),
        penetration=penetration_row,
        code=code_digest("tabulate_extrema"),
    message:
        "{wildcards.dataset}: table of extrema and statistics on a surface"
    script:
        "../../scripts/tabulate_extrema.py"


rule plot_extrema:
    input:
        table=rules.tabulate_extrema.output.csv,
        values=rules.tabulate_extrema.output["values"],
    output:
        **figure(
            "extrema",
            "Electrostatic potential",
            title="minima on a surface",
            datasets=with_shells(),
        ),
    log:
        f"{LOGS}/plot_extrema.log",
    benchmark:
        f"{BENCHMARKS}/plot_extrema.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        names=config["figures"]["showcase_variants"],
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_extrema"),
    message:
        "{wildcards.dataset}: figure of the minima on a surface"
    script:
        "../../scripts/plot_extrema.py"
