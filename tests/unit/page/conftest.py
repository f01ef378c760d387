"""The small run of page_case, made once."""

from pathlib import Path

import pytest
from page_case import Page, make_case


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return make_case(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def page(case: Page) -> Path:
    return case.make(case.results / "report.html")
