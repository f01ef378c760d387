# The dynamics of a molecule on models of its energy, and its infrared spectrum.

DYNAMICS = config["dynamics"]
MOVING = f"{RESULTS}/{{dataset}}/dynamics"
MOVING_DATASETS = [DYNAMICS["dataset"]]


# Seconds: on a cluster they run where Snakemake does.
localrules:
    tabulate_dynamics,
    plot_infrared,
    plot_energy_conservation,
    plot_moving_surface,


rule run_dynamics:
    input:
        models=of_trainings(f"{MODEL}/model.pt", [DYNAMICS["variant"]]),
        start=located(DYNAMICS["reference_modes"]),
    output:
        trajectory=f"{MOVING}/trajectory.h5",
        frames=f"{MOVING}/replica-0.extxyz",
        modes=f"{MOVING}/modes.json",
    log:
        f"{LOGS}/run_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/run_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=1440,  # one that needs longer goes on from its journal at the next attempt
    params:
        # The journal lives here: declared outputs of a failed job would be deleted.
        state=f"{MOVING}/state",
        settings=DYNAMICS["settings"],
        code=lambda wildcards: code_digest(
            "run_dynamics",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: dynamics"
    script:
        "../../scripts/run_dynamics.py"


rule analyse_dynamics:
    input:
        trajectory=rules.run_dynamics.output.trajectory,
        modes=rules.run_dynamics.output.modes,
        reference_modes=located(DYNAMICS["reference_modes"]),
        model=first_models("model.pt", [DYNAMICS["variant"]]),
    output:
        conservation=f"{MOVING}/conservation.csv",
        energies=f"{MOVING}/energies.csv",
        spectrum=f"{MOVING}/spectrum.csv",
        bands=f"{MOVING}/bands.csv",
        modes=f"{MOVING}/matched_modes.csv",
        surface=f"{MOVING}/surface.npz",
    log:
        f"{LOGS}/analyse_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/analyse_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        penetration=penetration_row,
        spectrum=DYNAMICS["spectrum"],
        surface_frames=DYNAMICS["surface_frames"],
        code=lambda wildcards: code_digest(
            "analyse_dynamics",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: energy, spectrum and surface of the dynamics"
    script:
        "../../scripts/analyse_dynamics.py"


rule tabulate_dynamics:
    input:
        conservation=rules.analyse_dynamics.output.conservation,
        bands=rules.analyse_dynamics.output.bands,
        modes=rules.analyse_dynamics.output.modes,
    output:
        **table("dynamics", "dynamics and infrared spectrum", datasets=MOVING_DATASETS),
    log:
        f"{LOGS}/tabulate_dynamics.log",
    benchmark:
        f"{BENCHMARKS}/tabulate_dynamics.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        settings=DYNAMICS["settings"],
        code=code_digest("tabulate_dynamics"),
    message:
        "{wildcards.dataset}: table of the dynamics"
    script:
        "../../scripts/tabulate_dynamics.py"


rule plot_infrared:
    input:
        spectrum=rules.analyse_dynamics.output.spectrum,
        modes=rules.analyse_dynamics.output.modes,
    output:
        **figure(
            "infrared",
            "Dynamics",
            title="infrared spectrum",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_infrared.log",
    benchmark:
        f"{BENCHMARKS}/plot_infrared.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        experiment=DYNAMICS["spectrum"]["experiment"],
        style=config["figures"]["style"],
        code=code_digest("plot_infrared"),
    message:
        "{wildcards.dataset}: figure of the infrared spectrum"
    script:
        "../../scripts/plot_infrared.py"


rule plot_energy_conservation:
    input:
        energies=rules.analyse_dynamics.output.energies,
        conservation=rules.analyse_dynamics.output.conservation,
    output:
        **figure(
            "energy_conservation",
            "Dynamics",
            title="energy over time",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_energy_conservation.log",
    benchmark:
        f"{BENCHMARKS}/plot_energy_conservation.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_energy_conservation"),
    message:
        "{wildcards.dataset}: figure of the energy of the dynamics"
    script:
        "../../scripts/plot_energy_conservation.py"


rule plot_moving_surface:
    input:
        surface=rules.analyse_dynamics.output.surface,
    output:
        **figure(
            "moving_surface",
            "Dynamics",
            title="potential on the moving surface",
            datasets=MOVING_DATASETS,
        ),
    log:
        f"{LOGS}/plot_moving_surface.log",
    benchmark:
        f"{BENCHMARKS}/plot_moving_surface.tsv"
    conda:
        "../../../envs/dynamics.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        style=config["figures"]["style"],
        code=code_digest("plot_moving_surface"),
    message:
        "{wildcards.dataset}: figure of the potential on the moving surface"
    script:
        "../../scripts/plot_moving_surface.py"
