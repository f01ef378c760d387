# Training of the model variants, and their electrostatic potentials beside the baselines.
# Paths begin at the root, since rules of other folders use these rules again.


rule train_model:
    input:
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
        start=started_from,
    output:
        model=f"{MODEL}/model.pt",
        training_log=f"{MODEL}/training.csv",
    log:
        f"{LOGS}/train_model/{{variant}}/seed-{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{variant}}/seed-{{seed}}.tsv"
    conda:
        f"{ROOT}/envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=1440,  # a training that needs longer goes on from its checkpoint at the next attempt
        gpu=gpus(config["training"]["device"]),
    params:
        # Checkpoints live here: declared outputs of a failed job would be deleted.
        state=f"{MODEL}/state",
        seeds=lambda wildcards: [int(wildcards.seed)],
        at_once=False,
        variant=lambda wildcards: training_rows.variant_row(config, wildcards.variant),
        network=lambda wildcards: training_rows.network_row(
            config, wildcards.dataset, wildcards.variant
        ),
        training=lambda wildcards: training_rows.training_row(config, wildcards.variant),
        penetration=learned_penetration_row,
        code=lambda wildcards: code_digest(
            "train_model",
            training_rows.task_module(config, wildcards.variant),
            training_rows.network_module(config, wildcards.dataset, wildcards.variant),
        ),
    message:
        "{wildcards.dataset}: training {wildcards.variant}, seed {wildcards.seed}"
    script:
        f"{ROOT}/workflow/scripts/train_model.py"


if config["training"]["seeds_together"]:

    # What train_model does, for all seeds of the run in one job: at once where they fill a GPU.
    ruleorder: train_seeds > train_model

    TRAINED_AT_ONCE = bool(gpus(config["training"]["device"]))

    use rule train_model as train_seeds with:
        output:
            models=seed_files("model.pt"),
            training_logs=seed_files("training.csv"),
        log:
            f"{LOGS}/train_seeds/{{variant}}.log",
        benchmark:
            f"{BENCHMARKS}/train_seeds/{{variant}}.tsv"
        wildcard_constraints:
            variant="|".join(map(re.escape, training_rows.with_run_seeds(config))) or "none",
        threads: len(SEEDS) if TRAINED_AT_ONCE else 1
        resources:
            mem_mb=growing(4000 * len(SEEDS)),
        params:
            state=seed_files("state"),
            seeds=SEEDS,
            at_once=TRAINED_AT_ONCE,
        message:
            "{wildcards.dataset}: training {wildcards.variant}, all seeds"


rule evaluate_models:
    # One job for the models of a dataset: PyTorch starts and the reference is read once.
    input:
        models=model_files("model.pt"),
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        predictions=model_files("predictions.h5"),
        mep=model_files("mep.csv"),
        multipoles=model_files("multipoles.csv"),
    log:
        f"{LOGS}/evaluate_models.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_models.tsv"
    conda:
        f"{ROOT}/envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=gpus(config["training"]["device"]),
    params:
        device=config["training"]["device"],
        penetration=penetration_row,
        code=lambda wildcards: code_digest(
            "evaluate_models",
            *training_rows.prediction_modules(config, wildcards.dataset),
        ),
    message:
        "{wildcards.dataset}: evaluating the models"
    script:
        f"{ROOT}/workflow/scripts/evaluate_models.py"


rule evaluate_baseline:
    input:
        reference=rules.collect_reference.output.reference,
        splits=rules.split_molecules.output.splits,
    output:
        predictions=f"{BASELINE}/predictions.h5",
        mep=f"{BASELINE}/mep.csv",
        multipoles=f"{BASELINE}/multipoles.csv",
    log:
        f"{LOGS}/evaluate_baseline/{{baseline}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_baseline/{{baseline}}.tsv"
    conda:
        f"{ROOT}/envs/data.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        grid=lambda wildcards: dataset_row(wildcards)["headline_grid"],
        penetration=penetration_row,
        code=lambda wildcards: code_digest(
            "evaluate_baseline", baseline_fits.fit_module(wildcards.baseline)
        ),
    message:
        "{wildcards.dataset}: evaluating the baseline {wildcards.baseline}"
    script:
        f"{ROOT}/workflow/scripts/evaluate_baseline.py"


rule models:
    # Named target: every trained model.
    input:
        expand(model_files("model.pt"), dataset=DATASETS),
    message:
        "All models of {config[results]} are there"
