# Checks of the results against their records.


localrules:
    verify,


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
