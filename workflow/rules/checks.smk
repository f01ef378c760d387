# How far the run is, and checks of the results against their records.


localrules:
    status,
    verify,


rule status:
    # Named target, outside `all`: runs whenever it is asked for. `./mepflow status` says the same.
    log:
        f"{RESULTS}/logs/status.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        plan=lambda wildcards: planned_jobs(),
    message:
        "Looking at the jobs of {config[results]}"
    script:
        "../scripts/status.py"


rule verify:
    # Named target, outside `all`: runs whenever it is asked for.
    log:
        f"{RESULTS}/logs/verify.log",
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        results=RESULTS,
        plan=lambda wildcards: planned_jobs(),
    message:
        "Comparing {params.results} with its records"
    script:
        "../scripts/verify.py"
