import pandas as pd

from mepflow.evaluation.multipole_errors import COLUMNS
from mepflow.evaluation.sources import Source
from mepflow.tables.trade_off_table import trade_off_table


def test_the_share_is_of_both_weights_and_empty_where_neither_is_learned(tmp_path) -> None:
    pd.DataFrame([dict.fromkeys(COLUMNS, 1.0) | {"id": "a"}]).to_csv(tmp_path / "m.csv")
    weights = {
        "both": {"dipole": 3.0, "quadrupole": 1.0},
        "one": {"dipole": 2.0},
        "neither": {"dipole_norm": 1.0, "charges": 5.0},
    }
    rows = {
        name: {"atomic_terms": ["charges"], "loss_weights": w, "quadrupole_from": "charges"}
        for name, w in weights.items()
    }
    table = trade_off_table(
        [Source(name, 1, tmp_path / "m.csv") for name in (*rows, "mulliken")], rows
    ).set_index("representation")
    assert table["dipole_share"].dropna().to_dict() == {"both": 0.75, "one": 1.0}
    assert table["terms"].to_dict() == dict.fromkeys(rows, "charges") | {"mulliken": ""}
