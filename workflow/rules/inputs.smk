# Rows of the configuration and files that rules take, by their wildcards.


def dataset_row(wildcards):
    return config["datasets"][wildcards.dataset]


def level_row(wildcards):
    return config["levels_of_theory"].get(dataset_row(wildcards)["level_of_theory"])


def penetration_row(wildcards):
    return settings.penetration_widths(config, wildcards.dataset)


def learned_penetration_row(wildcards):
    return settings.learned_widths(config, wildcards.dataset, wildcards.variant)


def started_from(wildcards):
    """Return the models that trainings of the wildcards' variant begin with: of its seed, or of all."""
    seeds = [wildcards.seed] if hasattr(wildcards, "seed") else SEEDS
    found = [training_rows.start_file(config, wildcards.variant, int(seed)) for seed in seeds]
    return [located(path) for path in found if path is not None]


def archive_row(wildcards):
    return ARCHIVES[dataset_row(wildcards)["archive"]]


def reader(wildcards):
    """Return the module that reads the archive of the wildcards' dataset."""
    return archive_labels.READERS[archive_row(wildcards)["format"]]


def uncharacterized_list(wildcards):
    path = archive_row(wildcards)["uncharacterized"]
    return [path] if path else []


def of_trainings(pattern, variants=VARIANTS):
    """Return the files of a pattern with the variants and the seeds of each."""
    return [
        file
        for variant in variants
        for file in expand(
            pattern,
            variant=variant,
            seed=training_rows.seeds_of(config, variant),
            allow_missing=True,
        )
    ]


def model_files(name):
    """Return the file ``name`` of every model of the wildcards' dataset."""
    return of_trainings(f"{MODEL}/{name}")


def first_seed(variant):
    return training_rows.seeds_of(config, variant)[0]


def first_models(name, variants):
    """Return the file ``name`` of the first model of each variant of the wildcards' dataset."""
    return [
        file
        for variant in variants
        for file in expand(
            f"{MODEL}/{name}", variant=variant, seed=first_seed(variant), allow_missing=True
        )
    ]


def seed_files(name):
    """Return the file ``name`` of every seed of the run, for the wildcards' variant."""
    return expand(f"{MODEL}/{name}", seed=SEEDS, allow_missing=True)


def result_files(name):
    """Return an input function: the file ``name`` of every model and baseline of the dataset."""

    def files(wildcards):
        baselines = dataset_row(wildcards)["baselines"]
        return expand(
            model_files(name)
            + expand(f"{BASELINE}/{name}", baseline=baselines, allow_missing=True),
            dataset=wildcards.dataset,
        )

    return files
