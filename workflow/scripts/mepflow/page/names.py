"""What the names of a run mean, in words: variants, grids, levels of theory, baselines."""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from mepflow.naming import BASELINES, baseline_words, representation_label, variant_words


class Names:
    """The names of a run's variants and baselines, and what each means."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        variants = {name: config["variants"][name] for name in config["training"]["variants"]}
        used = {name for row in config["datasets"].values() for name in row["baselines"]}
        self.variants = {name: variant_words(row) for name, row in variants.items()}
        self.baselines = {
            representation_label(name): baseline_words(name) for name in BASELINES if name in used
        }
        known = sorted({*self.variants, *self.baselines}, key=len, reverse=True)
        inner = "|".join(map(re.escape, known)) or r"(?!)"
        self._known = re.compile(rf"(?<![\w+-])(?:{inner})(?![\w-]|\s\+)")

    def marked(self, text: str) -> Markup:
        """Return a text as HTML in which every known name says on pointing what it means."""
        parts, last = [], 0
        for match in self._known.finditer(text):
            name = match[0]
            meaning = self.variants.get(name) or self.baselines[name]
            parts += [
                escape(text[last : match.start()]),
                Markup('<abbr class="name" title="{}">{}</abbr>').format(meaning, name),
            ]
            last = match.end()
        return Markup("").join([*parts, escape(text[last:])])
