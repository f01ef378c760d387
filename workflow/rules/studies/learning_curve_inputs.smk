# Folders, wildcards and files of the models that are trained on parts of the training set.

LEARNING_CURVE = config["learning_curve"]
FRACTIONS = [f"{fraction:g}" for fraction in LEARNING_CURVE["fractions"]]
PART = f"{RESULTS}/{{dataset}}/learning_curve/{{fraction}}"
PART_MODEL = f"{PART}/{{variant}}/seed-{{seed}}"
PART_LOGS = f"{LOGS}/learning_curve/{{fraction}}"


wildcard_constraints:
    fraction=r"0\.[0-9]+",  # part of the training set, e.g. 0.25


def part_files(name):
    """Return the file ``name`` of every model that was trained on a part, part by part."""
    return [
        file
        for fraction in FRACTIONS
        for file in of_trainings(
            f"{PART_MODEL}/{name}".replace("{fraction}", fraction), LEARNING_CURVE["variants"]
        )
    ]


def whole_files(name):
    """Return the file ``name`` of the same variants that were trained on the whole set."""
    return of_trainings(f"{MODEL}/{name}", LEARNING_CURVE["variants"])


def floor_files(name):
    """Return an input function: the file ``name`` of the dataset's floors."""
    return lambda wildcards: expand(
        f"{BASELINE}/{name}",
        dataset=wildcards.dataset,
        baseline=contents.floors(config, wildcards.dataset),
    )


def of_parts(files):
    """Return an input function: files of parts of the training set, where the dataset has some."""
    return lambda wildcards: (
        expand(files, dataset=wildcards.dataset, fraction=FRACTIONS)
        if wildcards.dataset in LEARNING_CURVE["datasets"]
        else []
    )
