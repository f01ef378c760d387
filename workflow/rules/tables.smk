# Tables of results, as CSV and Markdown.


rule tabulate_filters:
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
    log:
        f"{LOGS}/tabulate_filters.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_digest("mepflow.tables"),
    message:
        "{wildcards.dataset}: table of the filters"
    script:
        "../scripts/tabulate_filters.py"


rule tabulate_multipoles:
    input:
        errors=result_files("multipoles.csv"),
    output:
        csv=f"{TABLES}/multipoles.csv",
        markdown=report(
            f"{TABLES}/multipoles.md",
            caption="../report/multipoles_table.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "multipoles"},
        ),
    log:
        f"{LOGS}/tabulate_multipoles.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("mepflow.tables"),
    message:
        "{wildcards.dataset}: table of the multipole errors"
    script:
        "../scripts/tabulate_multipoles.py"


rule tabulate_mep:
    input:
        errors=result_files("mep.csv"),
    output:
        csv=f"{TABLES}/mep.csv",
        markdown=report(
            f"{TABLES}/mep.md",
            caption="../report/mep_table.rst",
            category="Tables",
            labels={"dataset": "{dataset}", "table": "MEP"},
        ),
    log:
        f"{LOGS}/tabulate_mep.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        headline_grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("mepflow.tables"),
    message:
        "{wildcards.dataset}: table of the MEP errors"
    script:
        "../scripts/tabulate_mep.py"


rule tables:
    # Named target: every table.
    input:
        expand(
            f"{TABLES}/{{table}}.csv",
            dataset=DATASETS,
            table=["filters", "multipoles", "mep"],
        ),
