# The page of the run: tables, figures and a viewer of potentials on surfaces in one HTML file.

PAGE = f"{RESULTS}/report.html"


# Seconds, from what is there: on a cluster it runs where Snakemake does.
localrules:
    make_page,


rule make_page:
    input:
        shown=page_files,
        surfaces=view_files,
    output:
        page=PAGE,
    log:
        f"{RESULTS}/logs/make_page.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=lambda wildcards: {key: config[key] for key in config if key != "results"},
        shown=page_items,
        views=lambda wildcards: surface_views(),
        introduction=lambda wildcards: (ROOT / "workflow/report/workflow.rst").read_text(),
        code=code_digest("make_page"),
    message:
        "The page of the run: {output.page}"
    script:
        "../scripts/make_page.py"
