# Errors of the MEP by distance, without and with penetration, for runs that ask for them.


# Seconds: on a cluster it runs where Snakemake does.
localrules:
    plot_mep_distance,


rule tabulate_mep_distance:
    input:
        predictions=result_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("mep_distance", "MEP by distance, with penetration"),
    log:
        f"{LOGS}/tabulate_mep_distance.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_mep_distance.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        penetration=penetration_row,
        code=code_digest("tabulate_mep_distance"),
    message:
        "{wildcards.dataset}: table of the MEP errors by distance, without and with penetration"
    script:
        "../../scripts/tabulate_mep_distance.py"


rule plot_mep_distance:
    input:
        table=rules.tabulate_mep_distance.output.csv,
    output:
        **figure(
            "mep_distance", "Electrostatic potential", title="MEP by distance, with penetration"
        ),
    log:
        f"{LOGS}/plot_mep_distance.log",
    benchmark:
        f"{BENCHMARKS}/plot_mep_distance.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        names=lambda wildcards: contents.drawn_representations(config, wildcards.dataset),
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_mep_distance"),
    message:
        "{wildcards.dataset}: figure of the MEP errors by distance, without and with penetration"
    script:
        "../../scripts/plot_mep_distance.py"
