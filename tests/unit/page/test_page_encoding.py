"""Data inside an HTML file."""

import base64
import json

import numpy as np

from mepflow.page.encoding import data_uri, packed, script_json


def test_data_uri_holds_the_file() -> None:
    head, _, content = data_uri(b"a,b\n1,2\n", "text/csv").partition(",")
    assert head == "data:text/csv;base64"
    assert base64.b64decode(content) == b"a,b\n1,2\n"


def test_packed_numbers_are_little_endian_and_in_rows() -> None:
    values = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert base64.b64decode(packed(values, "f4")) == np.arange(6, dtype="<f4").tobytes()
    assert base64.b64decode(packed([1, 258], "u4")) == b"\x01\0\0\0\x02\x01\0\0"


def test_json_cannot_end_its_element() -> None:
    value = {"id": "</script><!-- & \u2028"}
    text = script_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028") & set(text)
