# Models trained on nested parts of the training set.


include: "learning_curve_inputs.smk"


rule thin_training_set:
    input:
        candidates=rules.filter_molecules.output.candidates,
        splits=rules.split_molecules.output.splits,
    output:
        splits=f"{PART}/splits.csv",
    log:
        f"{PART_LOGS}/thin_training_set.log",
    benchmark:
        f"{BENCHMARKS}/learning_curve/{{fraction}}/thin_training_set.tsv"
    conda:
        "../../../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        seed=lambda wildcards: dataset_row(wildcards)["split"]["seed"],
        by_structure=lambda wildcards: dataset_row(wildcards)["split"].get("by") == "structure",
        code=code_digest("thin_training_set"),
    message:
        "{wildcards.dataset}: taking {wildcards.fraction} of the training molecules"
    script:
        "../../scripts/thin_training_set.py"


use rule train_model as train_on_part with:
    input:
        reference=rules.collect_reference.output.reference,
        splits=rules.thin_training_set.output.splits,
        start=started_from,
    output:
        model=f"{PART_MODEL}/model.pt",
        training_log=f"{PART_MODEL}/training.csv",
    log:
        f"{PART_LOGS}/train_on_part/{{variant}}/seed-{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_on_part/{{fraction}}/{{variant}}/seed-{{seed}}.tsv"
    params:
        state=f"{PART_MODEL}/state",
    message:
        "{wildcards.dataset}: training {wildcards.variant} on {wildcards.fraction} of the molecules, seed {wildcards.seed}"


use rule evaluate_models as evaluate_parts with:
    input:
        models=part_files("model.pt"),
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        predictions=part_files("predictions.h5"),
        mep=part_files("mep.csv"),
        multipoles=part_files("multipoles.csv"),
    log:
        f"{LOGS}/evaluate_parts.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_parts.tsv"
    message:
        "{wildcards.dataset}: evaluating the models of the learning curve"
