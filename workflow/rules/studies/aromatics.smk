# Errors of aromatic, of planar and of other molecules, for runs that ask for them.


# Seconds: on a cluster it runs where Snakemake does.
localrules:
    plot_aromatics,


rule tabulate_aromatics:
    input:
        errors=result_files("mep.csv"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("aromatics", "aromatic and planar molecules"),
    log:
        f"{LOGS}/tabulate_aromatics.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_aromatics.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_aromatics"),
    message:
        "{wildcards.dataset}: table of aromatic and planar molecules"
    script:
        "../../scripts/tabulate_aromatics.py"


rule plot_aromatics:
    input:
        table=rules.tabulate_aromatics.output.csv,
    output:
        **figure("aromatics", "Electrostatic potential", title="aromatic and planar molecules"),
    log:
        f"{LOGS}/plot_aromatics.log",
    benchmark:
        f"{BENCHMARKS}/plot_aromatics.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_aromatics"),
    message:
        "{wildcards.dataset}: figure of aromatic and planar molecules"
    script:
        "../../scripts/plot_aromatics.py"
