"""Match lists -> what the Elo of the PyPI package evalica says about them, as evalica_elo.json beside this file.

Run with evalica 0.4.2 (pip install evalica==0.4.2); Python's own random numbers with fixed seeds make the lists, so the file comes out
the same again. A case holds the parameters, the matches as [a, b, w] with w = 1 where a wins, 2 where b wins, 0 for a tie, and the
scores of all `n` players; `n` counts players that met nobody, whose score is then null.
"""

import inspect
import json
import pathlib
import random

import evalica
import pandas as pd

DEFAULTS = {"initial": 1000.0, "base": 10.0, "scale": 400.0, "k": 4.0}
# name, players, matches, share of ties, parameters that differ from evalica's defaults
CASES = [
    ("one match", 2, 1, 0.0, {}),
    ("one tie", 2, 1, 1.0, {}),
    ("two players", 2, 25, 0.2, {}),
    ("three players", 3, 10, 0.0, {}),
    ("eight players", 8, 56, 0.1, {}),
    ("many ties", 8, 112, 0.7, {}),
    ("thirty-two players", 32, 500, 0.1, {}),
    ("some never play", 12, 8, 0.0, {}),
    ("large k", 5, 200, 0.1, {"k": 32.0}),
    ("huge k", 4, 60, 0.1, {"k": 400.0}),
    ("natural units", 6, 90, 0.0, {"initial": 0.0, "base": 2.718281828459045, "scale": 1.0, "k": 0.1}),
    ("chess", 16, 240, 0.3, {"initial": 1500.0, "k": 20.0, "scale": 480.0, "base": 8.0}),
]


def matches(seed: int, players: int, count: int, ties: float) -> list[list[int]]:
    """Random meetings of players whose strength falls with their number."""
    rng = random.Random(seed)
    played = []
    for _ in range(count):
        a, b = rng.sample(range(players), 2)
        better = rng.random() < 1.0 / (1.0 + 2.0 ** (0.5 * (a - b)))
        played.append([a, b, 0 if rng.random() < ties else (1 if better else 2)])
    return played


def main() -> None:
    defaults = {name: inspect.signature(evalica.elo).parameters[name].default for name in DEFAULTS}
    assert defaults == DEFAULTS, defaults
    cases = []
    for seed, (name, players, count, ties, changed) in enumerate(CASES):
        played = matches(seed, players, count, ties)
        result = evalica.elo(
            [a for a, _, _ in played],
            [b for _, b, _ in played],
            [evalica.Winner(w) for _, _, w in played],
            index=pd.Index(range(players)),
            **changed,
        )
        met = {player for a, b, _ in played for player in (a, b)}
        scores = [float(result.scores[player]) if player in met else None for player in range(players)]
        cases.append({"name": name, "n": players, "config": DEFAULTS | changed, "played": played, "scores": scores})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f'{{"evalica":"{evalica.__version__}","defaults":{json.dumps(DEFAULTS)},"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
