# Folders, wildcards and files of the models of one dataset on the test molecules of another.

TRANSFER = f"{RESULTS}/{{dataset}}/transfer/from-{{source}}"


wildcard_constraints:
    source="|".join(DATASETS),  # the dataset that a model was trained on


def of_source(path):
    """Return the same file of the dataset that the models were trained on."""
    return path.replace("{dataset}", "{source}")


def foreign_files(name):
    """Return the file ``name`` of every model of the wildcards' source, judged on the dataset."""
    return of_trainings(f"{TRANSFER}/{{variant}}/seed-{{seed}}/{name}")


def transfer_files(name):
    """Return an input function: the file ``name`` of every model of the other datasets."""

    def files(wildcards):
        others = [dataset for dataset in DATASETS if dataset != wildcards.dataset]
        return expand(foreign_files(name), dataset=wildcards.dataset, source=others)

    return files
