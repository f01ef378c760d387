# Errors of the MEP without and with penetration, for runs that ask for this figure.


# Seconds: on a cluster it runs where Snakemake does.
localrules:
    plot_mep_penetration,


rule plot_mep_penetration:
    input:
        table=rules.tabulate_mep.output.csv,
    output:
        **figure("mep_penetration", "Electrostatic potential", title="MEP with penetration"),
    log:
        f"{LOGS}/plot_mep_penetration.log",
    benchmark:
        f"{BENCHMARKS}/plot_mep_penetration.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_mep_penetration"),
    message:
        "{wildcards.dataset}: figure of the MEP errors without and with penetration"
    script:
        "../../scripts/plot_mep_penetration.py"
