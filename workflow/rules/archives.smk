# Raw archives that are not in the repository.


# Compute nodes often have no network.
localrules:
    download_archive,


rule download_archive:
    output:
        "resources/downloads/{file}",
    log:
        f"{RESULTS}/logs/download_archive/{{file}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/download_archive/{{file}}.tsv"
    retries: 2
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=1440,
    params:
        # What was fetched before a failure stays here and is gone on with.
        partial="resources/downloads/.partial/{file}",
        download=lambda wildcards: DOWNLOADS[wildcards.file],
    message:
        "Fetching {output}"
    script:
        "../scripts/download_archive.py"
