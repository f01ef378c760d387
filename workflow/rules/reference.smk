# Reference multipoles and electrostatic potentials.


rule compute_reference:
    input:
        candidates=rules.filter_molecules.output.candidates,
        splits=rules.split_molecules.output.splits,
    output:
        table=f"{REFERENCE}/shards/{{shard}}.h5",
    log:
        f"{LOGS}/compute_reference/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/compute_reference/{{shard}}.tsv"
    conda:
        "../../envs/qm.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * dataset_row(wildcards)["shard_memory_mb"],
        runtime=lambda wildcards, attempt: attempt * shard_minutes(dataset_row(wildcards)),
        gpu=lambda wildcards: int(level_row(wildcards)["backend"] == "gpu4pyscf"),
    params:
        # The split that is computed: molecules whose labels are the archive's need no more.
        split=lambda wildcards: settings.computed_split(dataset_row(wildcards)),
        # Finished molecules live here: declared outputs of a failed job would be deleted.
        state=f"{REFERENCE}/state/{{shard}}",
        shards=lambda wildcards: settings.number_of_shards(config, ARCHIVES, wildcards.dataset),
        level=lambda wildcards: dataset_row(wildcards)["level_of_theory"],
        level_row=level_row,
        grids=lambda wildcards: settings.grids_of(config, wildcards.dataset),
        gradients=lambda wildcards: archive_labels.computes_forces(config, wildcards.dataset),
        code=code_digest("compute_reference"),
    message:
        "{wildcards.dataset}: reference calculations, shard {wildcards.shard}"
    script:
        "../scripts/compute_reference.py"


rule collect_reference:
    input:
        shards=lambda wildcards: expand(
            rules.compute_reference.output.table,
            shard=range(settings.number_of_shards(config, ARCHIVES, wildcards.dataset)),
            allow_missing=True,
        ),
        candidates=rules.filter_molecules.output.candidates,
        splits=rules.split_molecules.output.splits,
        verdicts=rules.filter_molecules.output.verdicts,
        funnel=rules.filter_molecules.output.funnel,
        potentials=lambda wildcards: archive_labels.stored_potentials(
            config, ARCHIVES, wildcards.dataset
        ),
        published=lambda wildcards: archive_labels.published_reference(
            config, ARCHIVES, wildcards.dataset
        ),
    output:
        reference=f"{REFERENCE}/reference.h5",
        computed=f"{REFERENCE}/computed.h5",
        verdicts=f"{REFERENCE}/verdicts.csv",
        funnel=f"{REFERENCE}/funnel.csv",
    log:
        f"{LOGS}/collect_reference.log",
    benchmark:
        f"{BENCHMARKS}/collect_reference.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        computed_split=lambda wildcards: settings.computed_split(dataset_row(wildcards)),
        grids=lambda wildcards: settings.grids_of(config, wildcards.dataset),
        level_row=level_row,
        stored_grids=lambda wildcards: archive_labels.stored_grids(config, wildcards.dataset),
        dipole_tolerance_debye=lambda wildcards: dataset_row(wildcards)["filters"][
            "dipole_tolerance_debye"
        ],
        code=code_digest("collect_reference"),
    message:
        "{wildcards.dataset}: collecting the reference and filtering by it"
    script:
        "../scripts/collect_reference.py"


rule reference:
    # Named target: everything up to the reference data.
    input:
        expand(rules.collect_reference.output.reference, dataset=DATASETS),
    message:
        "All reference data of {config[results]} are there"
