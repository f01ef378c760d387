# What the page of the run shows, from the reports' descriptions in the other rules.

from snakemake.io import get_flag_value


def below_results(path):
    """Return a path relative to the results, which may be moved; None stays None."""
    return path and str(Path(path).relative_to(RESULTS))


def page_item(file):
    """Return what the page says about a table or figure: the module mepflow.page.document."""
    maker = next(rule for rule in workflow.rules if rule.is_producer(file))
    wildcards = maker.get_wildcards(file)
    outputs, _ = maker.expand_output(wildcards)
    inputs, *_ = maker.expand_input(wildcards)
    params, _ = maker.expand_params(wildcards, inputs, outputs, None)
    pattern, shown = next(
        pair for pair in zip(maker.output, outputs) if get_flag_value(pair[0], "report")
    )
    described = get_flag_value(pattern, "report")
    labels = {name: text.format(**wildcards) for name, text in described.labels.items()}
    dataset = labels.pop("dataset")
    title = " ".join(labels.values()).replace("mep", "MEP")
    beside = {Path(path).suffix: path for path in outputs}
    tables = [path for path in (*outputs, *inputs) if Path(path).match("tables/*.csv")]
    tables.append(beside.get(".csv"))
    return {
        "file": below_results(shown),
        "csv": below_results(tables[0]),
        "pdf": below_results(beside.get(".pdf")),
        "record": below_results(outputs[0]),
        "title": title[:1].upper() + title[1:],
        "category": described.category,
        "dataset": dataset,
        "caption": workflow.sourcecache.open(described.caption).read(),
        "wildcards": dict(wildcards),
        "params": {name: value for name, value in params.items() if name != "code"},
    }


def page_items(wildcards):
    """Return the items of the page, tables first, in the order of their targets."""
    return [page_item(file) for file in all_tables() + all_figures()]


def page_files(wildcards):
    """Return the files that the items are made of."""
    items = page_items(wildcards)
    files = [item[key] for item in items for key in ("file", "csv") if item[key]]
    return [f"{RESULTS}/{file}" for file in dict.fromkeys(files)]


def surface_views(paths=below_results):
    """Return the showcase molecules with a molecular surface, and the files with their MEP."""
    views = []
    for dataset in DATASETS:
        grid = picture_grid(dataset, "surface")
        molecules = config["datasets"][dataset]["split"]["showcase"]
        if grid is None or not molecules:
            continue
        predictions = expand(
            f"{MODEL}/predictions.h5",
            dataset=dataset,
            variant=config["figures"]["showcase_variants"],
            seed=SEEDS[0],
        )
        views.append(
            {
                "dataset": dataset,
                "grid": grid,
                "molecules": molecules,
                "reference": paths(f"{RESULTS}/{dataset}/reference/reference.h5"),
                "predictions": [paths(path) for path in predictions],
            }
        )
    return views


def view_files(wildcards):
    """Return the files that the surfaces are from."""
    views = surface_views(paths=str)
    return [path for view in views for path in (view["reference"], *view["predictions"])]
