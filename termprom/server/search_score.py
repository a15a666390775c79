"""How well a name fits what was searched for: 0 for not at all, 1 for a name that begins with it.

Source: reference, section "Search endpoints".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

Score = Callable[[str, str], float]

SUBSEQUENCE: Final = "subsequence"
JARO_WINKLER: Final = "jarowinkler"


def best_score(name: str, terms: Sequence[str], score: Score) -> float:
    """Of the term that fits best."""
    return max(score(name, term) for term in terms)


def scorer(algorithm: str, threshold: float) -> Score:
    """What scores below `threshold` (0 to 1) scores 0."""
    if algorithm == SUBSEQUENCE:

        def score(name: str, term: str) -> float:
            found = subsequence_score(name, term)
            return found if found >= threshold else 0.0

        return score

    def score_words(name: str, term: str) -> float:
        found = substring_score(name, term)
        if found or not threshold:
            return found
        found = jaro_winkler(name, term)
        return found if found >= threshold else 0.0

    return score_words


def subsequence_score(name: str, term: str) -> float:
    """Long runs count by their square; gaps, and what follows the last run, take away a little."""
    if name.startswith(term):
        return 1.0
    if not name:
        return 0.0
    best = max(
        (_runs_from(name, term, at) for at in range(len(name)) if name[at] == term[0]), default=0.0
    )
    return max(best, 0.0) / len(term) ** 2 * 0.999


def _runs_from(name: str, term: str, start: int) -> float:
    """What the runs of a greedy match from `start` on are worth; 0 where letters are missing."""
    found, taken, at, gap = 0.0, 0, start, start
    while taken < len(term):
        begun = at
        while at < len(name) and taken < len(term) and name[at] == term[taken]:
            at, taken = at + 1, taken + 1
        found += (at - begun) ** 2 - gap / len(name)
        if taken == len(term):
            break
        follows = name.find(term[taken], at)
        if follows < 0:
            return 0.0
        gap, at = follows - at, follows
    return found - (len(name) - at) / (2 * len(name))


def substring_score(name: str, term: str) -> float:
    """1 at the start, less the further behind; 0 where `term` is not in it."""
    at = name.find(term)
    if at <= 0:
        return 1.0 if at == 0 else 0.0
    return 1 - 0.9 * at / (len(name) - len(term))


def jaro_winkler(one: str, other: str) -> float:
    window = max(max(len(one), len(other)) // 2 - 1, 0)
    taken = [False] * len(other)
    matched: list[str] = []
    for at, letter in enumerate(one):
        for place in range(max(at - window, 0), min(at + window + 1, len(other))):
            if not taken[place] and other[place] == letter:
                taken[place] = True
                matched.append(letter)
                break
    count = len(matched)
    if not count:
        return 0.0
    in_order = [letter for place, letter in enumerate(other) if taken[place]]
    swapped = sum(mine != theirs for mine, theirs in zip(matched, in_order, strict=True))
    jaro = (count / len(one) + count / len(other) + (count - swapped / 2) / count) / 3
    shared = 0
    for mine, theirs in zip(one[:4], other[:4], strict=False):
        if mine != theirs:
            break
        shared += 1
    return jaro + shared * 0.1 * (1 - jaro)
