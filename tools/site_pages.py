"""Hooks of the documentation's site: pages that are made from the repository, and formulas.

Named in mkdocs.yml. Pages of the site that lie elsewhere in the repository are taken from there,
and every module of the package gets a page, with its docstrings.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPTS: Final = ROOT / "workflow" / "scripts"
PACKAGE: Final = "mepflow"
INCLUDED: Final = {
    "config/README.md": "configuration.md",
    "resources/embedded/README.md": "embedded.md",
    "resources/models/default/README.md": "model.md",
}
"""Pages elsewhere in the repository, and what they are called on the site."""

_TO_DOCS: Final = re.compile(r"\]\((?:\.\./)+docs/")
"""Start of a link from an included page to one of the site."""
_FORMULA: Final = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FETCHED: Final = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//')
_API_HEAD: Final = """\
# Package

The modules of `mepflow`, with the docstrings of what is public. The package is made for the
workflow and its command line, `./mepflow --help`; what it imports from where is in
[Architecture](../architecture.md). To use it in Python:

    PYTHONPATH=workflow/scripts .venv/bin/python

| module | |
|---|---|
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the modules into the navigation, those of a package of their own together."""
    groups: dict[str, list[Any]] = {"": [f"{_page(PACKAGE)}"]}
    for module in _modules():
        package, _, name = module.removeprefix(f"{PACKAGE}.").rpartition(".")
        if _source(module).name == "__init__.py":
            groups[name] = [_page(module)]
        else:
            groups.setdefault(package, []).append({name: _page(module)})
    own = groups.pop("")
    config.nav = [*(config.nav or []), {"Package": [*own, *({k: v} for k, v in groups.items())]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the included pages and those of the modules."""
    for source, name in INCLUDED.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    lines = []
    for module in _modules():
        title = module.removeprefix(f"{PACKAGE}.")
        text = f"# {title}\n\n::: {module}\n"
        files.append(File.generated(config, _page(module), content=text))
        lines.append(f"| [`{title}`]({_page(module).removeprefix('api/')}) | {_summary(module)} |")
    overview = _API_HEAD + "\n".join(lines) + "\n"
    files.append(File.generated(config, _page(PACKAGE), content=overview))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn blocks of TeX into MathML, and links to included pages into those of the site."""
    for source, name in INCLUDED.items():
        markdown = markdown.replace(f"](../{source}", f"]({name}")
    markdown = _TO_DOCS.sub("](", markdown)
    return _FORMULA.sub(lambda match: convert(match[1].strip(), display="block"), markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that would fetch something from the network when it is looked at."""
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        if found := _FETCHED.search(page.read_text()):
            raise PluginError(f"{page} needs the network: {found[0]}")


def _modules() -> Iterator[str]:
    """Yield the modules below the package, each package before its own."""
    folder = SCRIPTS / PACKAGE
    paths = [path.relative_to(SCRIPTS).with_suffix("") for path in folder.rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    names -= {PACKAGE, f"{PACKAGE}.__main__"}
    yield from sorted(names, key=lambda name: (_source(name).parent != folder, name))


def _source(module: str) -> Path:
    path = SCRIPTS.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _summary(module: str) -> str:
    docstring = ast.get_docstring(ast.parse(_source(module).read_text())) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def _page(module: str) -> str:
    name = module.removeprefix(PACKAGE).removeprefix(".") or "index"
    return f"api/{name}.md"
