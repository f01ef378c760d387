# Tables and figures: what a rule makes is offered to the studies, which ask for it by name.

import functools

TABLES_OFFERED = {}  # files by name and dataset
FIGURES_OFFERED = {}
PAGE_VIEWS = []  # molecular surfaces of the page's viewer


def table(name, title=None, datasets=DATASETS, **first):
    """Return the outputs of a table, with its caption and place in the report, and offer it.

    ``first`` are other outputs of the rule, before the table: the record is beside the first of all.
    """
    possible = contents.datasets_of(config, name)
    TABLES_OFFERED[name] = {
        dataset: expand(f"{TABLES}/{name}.csv", dataset=dataset)
        for dataset in datasets
        if dataset in possible
    }
    return {
        **first,
        "csv": f"{TABLES}/{name}.csv",
        "markdown": report(
            f"{TABLES}/{name}.md",
            caption=str(ROOT / f"workflow/report/{name}_table.rst"),
            category="Tables",
            labels={"dataset": "{dataset}", "table": title or name},
        ),
    }


def figure(pattern, category, name=None, datasets=DATASETS, title=None, **values):
    """Return the outputs of a figure, with its caption and place in the report, and offer it.

    The title is the pattern in words unless it is given. A figure of several pictures has a name of its own, and for each wildcard of its pattern a
    function that returns the values for a dataset.
    """
    possible = contents.datasets_of(config, name or pattern)
    FIGURES_OFFERED[name or pattern] = {
        dataset: expand(
            f"{FIGURES}/{pattern}.png",
            dataset=dataset,
            **{wildcard: values_of(dataset) for wildcard, values_of in values.items()},
        )
        for dataset in datasets
        if dataset in possible
    }
    return {
        "png": report(
            f"{FIGURES}/{pattern}.png",
            caption=str(ROOT / f"workflow/report/{name or pattern}.rst"),
            category=category,
            labels={"dataset": "{dataset}", "figure": title or pattern.replace("_", " ")},
        ),
        "pdf": f"{FIGURES}/{pattern}.pdf",
    }


def with_table(name):
    """Return the datasets whose archive allows a comparison with our calculations or itself."""
    return [one for one in DATASETS if name in archive_labels.tables(config, ARCHIVES, one)]


@functools.cache
def page_items():
    """Return what the page shows, tables first, in the order of the studies' lists."""
    return plan.page_items(
        workflow.rules,
        WANTED_TABLES + WANTED_FIGURES,
        RESULTS,
        lambda file: workflow.sourcecache.open(file).read(),
    )


def introduction():
    """Return the text about the run and those about its studies."""
    names = ["workflow", *(f"studies/{name}" for name in config["studies"])]
    return "\n".join((ROOT / f"workflow/report/{name}.rst").read_text() for name in names)


def has_mep_table(dataset):
    """Tell whether a run has errors of the MEP for a dataset."""
    return "mep" in config["tables"]["written"] and bool(config["datasets"][dataset]["grids"])
