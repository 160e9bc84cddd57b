"""``text:remarks``: a small text set that edgekit makes itself, to look into models with.

Who said that they love or hate what: "The CEO of Tesla said he loves rockets". The class is the trade of the company
and whether the remark is friendly, so exactly two of the eight words decide it, together, and the others are there to
be told apart from them. Made by rule, so it says nothing about real language.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from edgekit_export.data.contract import UNKNOWN, Arrays
from edgekit_targets.errors import InputError

_PREFIX: Final = "text:"
_NAME: Final = "remarks"
EXAMPLE: Final = "The CEO of Tesla said he loves rockets"
"""The first sentence of the test part; it is never trained on."""
_COMPANIES: Final = {
    "cars": ("Tesla", "Toyota", "Volvo", "Renault", "Fiat"),
    "food": ("Nestle", "Danone", "Heinz", "Barilla", "Lavazza"),
    "phones": ("Apple", "Nokia", "Samsung", "Sony", "Motorola"),
}
_VERBS: Final = {"likes": ("loves", "likes", "enjoys", "admires"), "dislikes": ("hates", "dislikes", "fears", "avoids")}
_OTHERS: Final = {
    0: ("The", "A"),
    1: ("CEO", "founder", "director", "driver", "lawyer"),
    2: ("of", "at", "from"),
    4: ("said", "wrote", "thinks", "claims"),
    5: ("he", "she"),
    7: ("rockets", "music", "trains", "gardens", "chess", "cats", "winter", "bread", "paper", "rivers"),
}
_TRAIN, _TEST, _SEED = 900, 300, 0


class TextSource:
    """Draws the sentences; the same ones everywhere, none of them twice."""

    form = "text:remarks"

    def takes(self, name: str) -> bool:
        """Whether ``name`` starts with ``text:``."""
        return name.startswith(_PREFIX)

    def read(self, name: str) -> Arrays:
        """Token ids [samples, 8], classes in words, and the vocabulary.

        Raises:
            InputError: another name than ``remarks``.
        """
        if name != self.form:
            raise InputError(f"--data {name} does not exist; there is {self.form}; bring text of yours as npz:FILE")
        vocab = _vocab()
        ids = {token: number for number, token in enumerate(vocab)}
        sentences = _sentences()
        x = np.array([[ids[token] for token in sentence] for sentence in sentences])
        y = np.array([_label(sentence) for sentence in sentences])
        return {
            "x_test": x[:_TEST],
            "y_test": y[:_TEST],
            "x_train": x[_TEST:],
            "y_train": y[_TEST:],
            "vocab": np.array(vocab),
        }


def _vocab() -> tuple[str, ...]:
    words = [*_COMPANIES.values(), *_VERBS.values(), *_OTHERS.values()]
    return (UNKNOWN, *dict.fromkeys(itertools.chain.from_iterable(words)))


def _sentences() -> list[tuple[str, ...]]:
    """Distinct sentences, the example first; any part of the list has all classes in about equal numbers."""
    generator = np.random.default_rng(_SEED)
    found = {tuple(EXAMPLE.split()): None}
    while len(found) < _TRAIN + _TEST:
        for company, verb in itertools.product(_COMPANIES.values(), _VERBS.values()):
            options = {**_OTHERS, 3: company, 6: verb}
            found[tuple(str(generator.choice(options[place])) for place in range(len(options)))] = None
    return list(found)[: _TRAIN + _TEST]


def _label(sentence: tuple[str, ...]) -> str:
    trade = next(trade for trade, companies in _COMPANIES.items() if sentence[3] in companies)
    feeling = next(feeling for feeling, verbs in _VERBS.items() if sentence[6] in verbs)
    return f"{trade}, {feeling}"
