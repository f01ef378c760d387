# Electron densities of the test molecules, beside those that models predict.


# Both studies of densities have these rules, which must be there once.
if "DENSITY_MODEL" not in globals():

    include: "density_models.smk"


def density_result_files(wildcards, name):
    """Return the file ``name`` of density models, then of models and baselines of multipoles."""
    files = expand(density_models(name), dataset=wildcards.dataset)
    return files + result_files(name)(wildcards)


# Seconds: on a cluster they run where Snakemake does.
localrules:
    tabulate_densities,
    tabulate_density_mep,
    plot_density_errors,
    plot_density_plane,
    plot_density_dipoles,


rule compute_densities:
    input:
        labels=OWN_DENSITY_LABELS,
    output:
        computed=f"{DENSITY}/computed.pt",
    log:
        f"{LOGS}/compute_densities.log",
    benchmark:
        f"{BENCHMARKS}/compute_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        level=lambda wildcards: dataset_row(wildcards)["level_of_theory"],
        level_row=level_row,
        grids={name: config["grids"][name] for name in DENSITIES["compared_grids"]},
        fitted_grid=DENSITIES["potential_grid"],
        plane=config["grids"][DENSITIES["plane"]],
        bases=density_settings.density_bases(DENSITIES),
        molecules=DENSITIES["compared"],
        # Molecules that are done live here: declared outputs of a failed job would be deleted.
        state=f"{DENSITY}/computed-state",
        code=code_digest("compute_densities"),
    message:
        "{wildcards.dataset}: exact densities of test molecules"
    script:
        "../../scripts/compute_densities.py"


rule evaluate_densities:
    input:
        models=density_models("model.pt"),
        labels=OWN_DENSITY_LABELS,
        computed=rules.compute_densities.output.computed,
        reference=rules.collect_reference.output.reference,
        multipoles=result_files("predictions.h5"),
    output:
        mep=density_models("mep.csv"),
        multipoles=density_models("multipoles.csv"),
        errors=f"{DENSITY}/errors.csv",
        dipoles=f"{DENSITY}/dipoles.csv",
        plane=f"{DENSITY}/plane.npz",
    log:
        f"{LOGS}/evaluate_densities.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_densities.tsv"
    conda:
        "../../../envs/densities.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        code=code_digest("evaluate_densities"),
    message:
        "{wildcards.dataset}: evaluating the density models"
    script:
        "../../scripts/evaluate_densities.py"


rule tabulate_densities:
    input:
        errors=rules.evaluate_densities.output.errors,
    output:
        **table("densities", "electron densities", datasets=DENSITY_DATASETS),
    log:
        f"{LOGS}/tabulate_densities.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_densities.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_digest("tabulate_densities"),
    message:
        "{wildcards.dataset}: table of the densities"
    script:
        "../../scripts/tabulate_densities.py"


rule tabulate_density_mep:
    input:
        mep=lambda wildcards: density_result_files(wildcards, "mep.csv"),
        multipoles=lambda wildcards: density_result_files(wildcards, "multipoles.csv"),
    output:
        **table("density_mep", "densities beside multipoles", datasets=DENSITY_DATASETS),
    log:
        f"{LOGS}/tabulate_density_mep.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_density_mep.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        code=code_digest("tabulate_density_mep"),
    message:
        "{wildcards.dataset}: table of densities beside multipoles"
    script:
        "../../scripts/tabulate_density_mep.py"


rule plot_density_errors:
    input:
        table=rules.tabulate_densities.output.csv,
    output:
        **figure(
            "density_errors",
            "Electron density",
            title="errors of densities and multipoles",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_errors.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_errors.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        grid=DENSITIES["potential_grid"],
        style=config["figures"]["style"],
        code=code_digest("plot_density_errors"),
    message:
        "{wildcards.dataset}: figure of the errors of densities"
    script:
        "../../scripts/plot_density_errors.py"


rule plot_density_plane:
    input:
        plane=rules.evaluate_densities.output.plane,
    output:
        **figure(
            "density_plane",
            "Electron density",
            title="density in a plane",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_plane.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_plane.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_density_plane"),
    message:
        "{wildcards.dataset}: figure of the density in a plane"
    script:
        "../../scripts/plot_density_plane.py"


rule plot_density_dipoles:
    input:
        dipoles=rules.evaluate_densities.output.dipoles,
    output:
        **figure(
            "density_dipoles",
            "Electron density",
            title="dipoles of densities",
            datasets=DENSITY_DATASETS,
        ),
    log:
        f"{LOGS}/plot_density_dipoles.log",
    benchmark:
        f"{BENCHMARKS}/plot_density_dipoles.tsv"
    conda:
        "../../../envs/plot.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_density_dipoles"),
    message:
        "{wildcards.dataset}: figure of the dipoles of densities"
    script:
        "../../scripts/plot_density_dipoles.py"
