# From a raw archive to the molecules of the study and their splits.


rule read_archive:
    input:
        archive=lambda wildcards: archive_row(wildcards)["path"],
    output:
        table=f"{MOLECULES}/archive.h5",
        rejected=f"{MOLECULES}/unreadable.csv",
    log:
        f"{LOGS}/read_archive.log",
    benchmark:
        f"{BENCHMARKS}/read_archive.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        records=lambda wildcards: archive_row(wildcards)["records"],
        reader=reader,
        options=lambda wildcards: archive_labels.reader_options(config, ARCHIVES, wildcards.dataset),
        code=lambda wildcards: code_digest("read_archive", f"{reader(wildcards)}.read_archive"),
    message:
        "{wildcards.dataset}: reading the raw archive {input.archive}"
    script:
        "../scripts/read_archive.py"


rule filter_molecules:
    input:
        table=rules.read_archive.output.table,
        rejected=rules.read_archive.output.rejected,
        uncharacterized=uncharacterized_list,
    output:
        candidates=f"{MOLECULES}/candidates.h5",
        verdicts=f"{MOLECULES}/verdicts.csv",
        funnel=f"{MOLECULES}/funnel.csv",
    log:
        f"{LOGS}/filter_molecules.log",
    benchmark:
        f"{BENCHMARKS}/filter_molecules.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        filters=lambda wildcards: dataset_row(wildcards)["filters"],
        code=code_digest("filter_molecules"),
    message:
        "{wildcards.dataset}: filtering molecules"
    script:
        "../scripts/filter_molecules.py"


rule split_molecules:
    input:
        candidates=rules.filter_molecules.output.candidates,
    output:
        splits=f"{MOLECULES}/splits.csv",
    log:
        f"{LOGS}/split_molecules.log",
    benchmark:
        f"{BENCHMARKS}/split_molecules.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        split=lambda wildcards: dataset_row(wildcards)["split"],
        code=code_digest("split_molecules"),
    message:
        "{wildcards.dataset}: splitting molecules into training, validation and test sets"
    script:
        "../scripts/split_molecules.py"
