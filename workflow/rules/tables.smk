# Tables of results, as CSV and Markdown.


rule tabulate_filters:
    message:
        "{wildcards.dataset}: table of the filters"
    input:
        verdicts=rules.collect_reference.output.verdicts,
    output:
        csv=f"{TABLES}/filters.csv",
        markdown=report(
            f"{TABLES}/filters.md",
            caption="../report/filters_table.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "filters"},
        ),
    params:
        code=code_digest("mepflow.tables"),
    log:
        f"{LOGS}/tabulate_filters.log",
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../../envs/plot.yaml"
    script:
        "../scripts/tabulate_filters.py"


rule tabulate_multipoles:
    message:
        "{wildcards.dataset}: table of the multipole errors"
    input:
        errors=model_files("multipoles.csv") + baseline_files("multipoles.csv"),
    output:
        csv=f"{TABLES}/multipoles.csv",
        markdown=report(
            f"{TABLES}/multipoles.md",
            caption="../report/multipoles_table.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "multipoles"},
        ),
    params:
        code=code_digest("mepflow.tables"),
    log:
        f"{LOGS}/tabulate_multipoles.log",
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../../envs/plot.yaml"
    script:
        "../scripts/tabulate_multipoles.py"


rule tabulate_mep:
    message:
        "{wildcards.dataset}: table of the MEP errors"
    input:
        errors=model_files("mep.csv") + baseline_files("mep.csv"),
    output:
        csv=f"{TABLES}/mep.csv",
        markdown=report(
            f"{TABLES}/mep.md",
            caption="../report/mep_table.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "MEP"},
        ),
    params:
        headline_grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("mepflow.tables"),
    log:
        f"{LOGS}/tabulate_mep.log",
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../../envs/plot.yaml"
    script:
        "../scripts/tabulate_mep.py"


rule tables:
    # Named target: every table.
    input:
        expand(f"{TABLES}/{{table}}.csv", dataset=DATASETS, table=["filters", "multipoles", "mep"]),
