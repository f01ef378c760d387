# Energies and forces beside multipoles and potentials: the study of PhysNet beside PiNet2.


# Seconds: on a cluster it runs where Snakemake does.
localrules:
    tabulate_energies,


rule tabulate_energies:
    input:
        predictions=model_files("predictions.h5"),
        mep=model_files("mep.csv"),
        logs=model_files("training.csv"),
        reference=rules.collect_reference.output.reference,
    output:
        **table("energies", "energies and forces"),
    log:
        f"{LOGS}/tabulate_energies.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_energies.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_energies"),
    message:
        "{wildcards.dataset}: table of energies and forces"
    script:
        "../../scripts/tabulate_energies.py"


rule plot_energy_parity:
    input:
        predictions=model_files("predictions.h5"),
        reference=rules.collect_reference.output.reference,
    output:
        **figure("energy_parity", "Models", title="energies and forces"),
    log:
        f"{LOGS}/plot_energy_parity.log",
    benchmark:
        f"{BENCHMARKS}/plot_energy_parity.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        variants=VARIANT_ROWS,
        style=config["figures"]["style"],
        code=code_digest("plot_energy_parity"),
    message:
        "{wildcards.dataset}: figure of predicted against reference energies and forces"
    script:
        "../../scripts/plot_energy_parity.py"
