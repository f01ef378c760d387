# Table of contents of the workflow. Rules are in workflow/rules, one file per stage; what they call
# is in workflow/scripts; settings are in config/. `snakemake --cores all` makes everything.

from snakemake.utils import min_version

min_version("9.0")

if not (config and workflow.configfiles):

    # Paths of this repository start here: the working directory may be another one, and another
    # workflow may have this one as a module.
    configfile: f"{workflow.current_basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/config.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/outputs.smk"
include: "workflow/rules/archives.smk"
include: "workflow/rules/molecules.smk"
include: "workflow/rules/reference.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"


# What only some studies need.
for name in contents.rules_files(config):
    if (ROOT / f"workflow/rules/studies/{name}.smk").exists():

        include: f"workflow/rules/studies/{name}.smk"


include: "workflow/rules/page.smk"
include: "workflow/rules/checks.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.make_page.output,
    message:
        "All tables, figures and the page of {config[results]} are there"
