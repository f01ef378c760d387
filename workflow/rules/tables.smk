# Tables of results, as CSV and Markdown.


# Seconds each: on a cluster they run where Snakemake does.
localrules:
    tabulate_filters,
    tabulate_multipoles,
    tabulate_mep,
    tabulate_trade_off,


rule tabulate_filters:
    input:
        verdicts=rules.collect_reference.output.verdicts,
        funnel=rules.collect_reference.output.funnel,
    output:
        **table("filters"),
    log:
        f"{LOGS}/tabulate_filters.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_filters.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_digest("tabulate_filters"),
    message:
        "{wildcards.dataset}: table of the filters"
    script:
        "../scripts/tabulate_filters.py"


rule tabulate_multipoles:
    input:
        errors=result_files("multipoles.csv"),
    output:
        **table("multipoles"),
    log:
        f"{LOGS}/tabulate_multipoles.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_multipoles.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("tabulate_multipoles"),
    message:
        "{wildcards.dataset}: table of the multipole errors"
    script:
        "../scripts/tabulate_multipoles.py"


rule tabulate_mep:
    input:
        errors=result_files("mep.csv"),
        logs=model_files("training.csv"),
    output:
        **table("mep", "MEP"),
        differences=f"{TABLES}/mep_differences.csv",
    log:
        f"{LOGS}/tabulate_mep.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_mep.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        headline_grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_mep"),
    message:
        "{wildcards.dataset}: table of the MEP errors"
    script:
        "../scripts/tabulate_mep.py"


rule tabulate_labels:
    input:
        table=rules.read_archive.output.table,
    output:
        **table(
            "labels",
            datasets=with_table("labels"),
            differences=f"{MOLECULES}/labels.csv",
        ),
    log:
        f"{LOGS}/tabulate_labels.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_labels.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code_digest("tabulate_labels"),
    message:
        "{wildcards.dataset}: table of the consistency of the archive's labels"
    script:
        "../scripts/tabulate_labels.py"


rule tabulate_agreement:
    input:
        computed=rules.collect_reference.output.computed,
    output:
        **table(
            "agreement",
            datasets=with_table("agreement"),
            differences=f"{REFERENCE}/agreement.csv",
        ),
    log:
        f"{LOGS}/tabulate_agreement.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_agreement.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code_digest("tabulate_agreement"),
    message:
        "{wildcards.dataset}: table of the agreement with the archive"
    script:
        "../scripts/tabulate_agreement.py"


rule tabulate_mep_breakdown:
    input:
        predictions=result_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("mep_breakdown", "MEP by distance, element and molecule"),
    log:
        f"{LOGS}/tabulate_mep_breakdown.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_mep_breakdown.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        headline_grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_mep_breakdown"),
    message:
        "{wildcards.dataset}: table of where the MEP is wrong"
    script:
        "../scripts/tabulate_mep_breakdown.py"


rule tabulate_trade_off:
    input:
        errors=result_files("multipoles.csv"),
    output:
        **table("trade_off", "trade-off of the loss weights"),
    log:
        f"{LOGS}/tabulate_trade_off.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_trade_off.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        variants=VARIANT_ROWS,
        code=code_digest("tabulate_trade_off"),
    message:
        "{wildcards.dataset}: table of the trade-off between dipole and quadrupole"
    script:
        "../scripts/tabulate_trade_off.py"
