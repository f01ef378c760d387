"""Labels beside points cover neither each other nor a point, wherever the points are."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from mepflow.plots.label_places import label_points

LABELS = ("AC-D", "AC-AD-D", "AC-DQ", "AC-DQ-dw100", "AC-AD-DQ-dw100", "AC-AD-DQ-dw100-c")


@pytest.mark.parametrize("size", [0.05, 1.0, 200.0])
def test_labels_cover_nothing(size: float) -> None:
    rng = np.random.default_rng(3)
    points = [(float(x), float(y)) for x, y in size * rng.uniform(0.3, 0.7, (len(LABELS), 2))]
    figure = Figure(figsize=(3.35, 3.2))
    axes = figure.add_subplot()
    axes.set(xlim=(0, size), ylim=(0, size))
    label_points(figure, axes, points, LABELS)
    boxes = [
        Bbox(label.get_window_extent().get_points())
        for label in axes.texts
        if isinstance(label, Annotation)
    ]
    assert len(boxes) == len(LABELS)
    assert all(box.width > 10 for box in boxes)
    for one, other in combinations(boxes, 2):
        assert not Bbox.intersection(one, other)
    for box in boxes:
        assert not box.count_contains(axes.transData.transform(points))
        assert axes.get_window_extent().count_contains(box.get_points()) == 2
