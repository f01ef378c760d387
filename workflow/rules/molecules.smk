# From a raw archive to the molecules of the study and their splits.


rule read_archive:
    message:
        "{wildcards.dataset}: reading the raw archive {input.archive}"
    input:
        archive=lambda wildcards: archive_row(wildcards)["path"],
    output:
        table=f"{MOLECULES}/archive.h5",
        rejected=f"{MOLECULES}/unreadable.csv",
    params:
        code=code_digest("mepflow.archives.qm9"),
    log:
        f"{LOGS}/read_archive.log",
    benchmark:
        f"{BENCHMARKS}/read_archive.tsv"
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/read_archive.py"


def uncharacterized_list(wildcards):
    path = archive_row(wildcards)["uncharacterized"]
    return [path] if path else []


rule filter_molecules:
    message:
        "{wildcards.dataset}: filtering molecules"
    input:
        table=rules.read_archive.output.table,
        rejected=rules.read_archive.output.rejected,
        uncharacterized=uncharacterized_list,
    output:
        candidates=f"{MOLECULES}/candidates.h5",
        verdicts=f"{MOLECULES}/verdicts.csv",
    params:
        elements=lambda wildcards: dataset_row(wildcards)["filters"]["elements"],
        code=code_digest("mepflow.filters"),
    log:
        f"{LOGS}/filter_molecules.log",
    benchmark:
        f"{BENCHMARKS}/filter_molecules.tsv"
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/filter_molecules.py"


rule split_molecules:
    message:
        "{wildcards.dataset}: splitting molecules into training, validation and test sets"
    input:
        candidates=rules.filter_molecules.output.candidates,
    output:
        splits=f"{MOLECULES}/splits.csv",
    params:
        split=lambda wildcards: dataset_row(wildcards)["split"],
        code=code_digest("mepflow.splits"),
    log:
        f"{LOGS}/split_molecules.log",
    benchmark:
        f"{BENCHMARKS}/split_molecules.tsv"
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/split_molecules.py"
