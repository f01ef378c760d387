# The tables and figures that the run's studies ask for, and the page of the run: all of them and a
# viewer of potentials on surfaces in one HTML file.

from dataclasses import asdict

PAGE = f"{RESULTS}/report.html"

try:
    with config_files.told_with_place(CONFIG_SOURCES):
        WANTED_TABLES = contents.wanted_files(
            TABLES_OFFERED, config["tables"]["written"], DATASETS, "tables.written"
        )
        WANTED_FIGURES = contents.wanted_files(
            FIGURES_OFFERED, config["figures"]["drawn"], DATASETS, "figures.drawn"
        )
except MepflowError as error:
    raise WorkflowError(str(error)) from None


rule tables:
    # Named target: every table.
    input:
        WANTED_TABLES,
    message:
        "All tables of {config[results]} are there"


rule figures:
    # Named target: every figure, from the results there are.
    input:
        WANTED_FIGURES,
    message:
        "All figures of {config[results]} are there"


PAGE_DATASETS = [
    plan.DatasetFiles(
        dataset,
        f"{dataset}/tables/mep.csv" if has_mep_table(dataset) else None,
        f"{dataset}/tables/mep_differences.csv" if has_mep_table(dataset) else None,
        f"{dataset}/reference/verdicts.csv",
        f"{dataset}/molecules/splits.csv",
        ARCHIVES[config["datasets"][dataset]["archive"]].get("note", ""),
    )
    for dataset in DATASETS
]


# Seconds, from what is there: on a cluster it runs where Snakemake does.
localrules:
    make_page,


rule make_page:
    input:
        shown=lambda wildcards: [
            f"{RESULTS}/{file}"
            for file in dict.fromkeys(f for item in page_items() for f in item.shown_files)
        ],
        read=[
            f"{RESULTS}/{file}"
            for read in (*PAGE_DATASETS, *PAGE_VIEWS)
            for file in read.shown_files
        ],
    output:
        page=PAGE,
    log:
        f"{RESULTS}/logs/make_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/make_page.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=lambda wildcards: {key: config[key] for key in config if key != "results"},
        shown=lambda wildcards: list(map(asdict, page_items())),
        datasets=list(map(asdict, PAGE_DATASETS)),
        views=list(map(asdict, PAGE_VIEWS)),
        introduction=lambda wildcards: introduction(),
        code=code_digest("make_page"),
    message:
        "The page of the run: {output.page}"
    script:
        "../scripts/make_page.py"
