"""What README and docs name exists: links, files, messages."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workflow" / "scripts" / "mepflow"
PAGES = [
    *(ROOT / name for name in ("README.md", "config/README.md", "resources/embedded/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOREIGN_MESSAGES = (  # of Snakemake and make
    "Directory cannot be locked",
    "Missing input files for rule read_archive",
    "mepflow needs Python 3.11 or newer",
)
MADE = ("config/mine.yaml", "benchmarks/results")  # by the tutorial's reader, by `make bench`
FOLDERS = ("benchmarks", "config", "containers", "docs", "envs", "profiles", "tests", "tools")
FOLDERS += ("workflow", "resources/embedded", "resources/models")
pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}"


@pages
def test_named_files_exist(page: Path) -> None:
    starts = "|".join(map(re.escape, FOLDERS))
    for name in re.findall(rf"`((?:{starts})/[\w./-]+)`", page.read_text()):
        example = "NAME" in name or "STUDY" in name
        assert example or (ROOT / name).exists() or name.startswith(MADE), f"{page.name}: {name}"
    for name in re.findall(r"`(mepflow/[\w/]+\.(?:py|cpp))`", page.read_text()):
        assert (PACKAGE.parent / name).exists(), f"{page.name}: {name}"


def messages() -> str:
    """Return all texts of the package, one per line, with ``…`` for what is filled in."""
    texts = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"%[sd]", "…", node.value))
    return "\n".join(" ".join(text.split()) for text in texts)


def test_messages_are_those_of_the_code() -> None:
    known = messages()
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    quoted = [text for row in rows for text in re.findall(r"`([^`]+)`", row) if " " in text]
    assert len(quoted) > 30
    for text in quoted:
        if text in FOREIGN_MESSAGES:
            continue
        for part in filter(None, (part.strip() for part in text.split("…"))):
            assert part in known, f"no message has {part!r}"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("training.schedule.kind", "`constant` or `cosine` or `exponential`"),
        ("training.schedule.factor", "Only of the kind `exponential`."),
        ("grids.NAME.spacing_angstrom", "Only of the kind `box` or `plane` or `surface`."),
        ("datasets.NAME.conformers", "`lowest` or `all` or integer"),
        ("figures.style", "`default` or `serif`"),
    ],
)
def test_the_manual_tells_every_branch_of_a_key(key: str, words: str) -> None:
    manual = (ROOT / "config" / "README.md").read_text()
    (row,) = [line for line in manual.splitlines() if line.startswith(f"| `{key}` ")]
    assert words in row


def test_every_study_has_a_page_with_the_same_heads() -> None:
    studies = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
    assert sorted(path.stem for path in (ROOT / "docs" / "studies").glob("*.md")) == studies
    for name in studies:
        page = (ROOT / "docs" / "studies" / f"{name}.md").read_text()
        for head in ("Claim", "Data", "Settings", "Result", "Limits"):
            assert f"**{head}" in page, f"docs/studies/{name}.md: {head}"
