"""A folder of trained miniature judges -> every number of the miniature, as JSON; tables and figures from it into the documents.

    python3 runs/tiny_eval/run.py --root target/tiny --rrm target/release/rrm --docs docs

runs/tiny-eval.sh does this with everything that it needs. What was measured before is not measured again.
"""

import argparse
import json
import pathlib
import sys

import best_of_n
import binary
import layout
import measure
import patterns
import tables


def world_of(given: argparse.Namespace) -> measure.World:
    found = layout.read(given.root)
    out = given.root / ("eval-short" if given.short else "eval")
    settings = measure.SHORT if given.short else measure.FULL
    inputs = out / "inputs"
    trained = [steps for steps in found.pairs if steps in found.trained_steps]
    return measure.World(
        found,
        binary.Binary(given.rrm, out, given.processes),
        settings,
        measure.gather(found, inputs / "pairs.jsonl", found.pairs, settings.pairs_per_length),
        measure.gather(found, inputs / "quick.jsonl", trained, settings.quick_pairs_per_length),
    )


def setup(world: measure.World, seconds: float) -> dict:
    """What was measured with what."""
    pairs = [json.loads(line) for line in world.pairs.read_text().splitlines()]
    kinds = {judge.kind: layout.parameters(judge.folder) for judge in world.layout.judges}
    return {
        "pairs": {str(steps): sum(pair["steps"] == steps for pair in pairs) for steps in world.layout.pairs},
        "scopes": {str(steps): world.scope(steps) for steps in world.layout.pairs},
        "trained_steps": world.layout.trained_steps,
        "seeds": world.layout.seeds,
        "parameters": kinds,
        "settings": world.settings._asdict(),
        "seconds": seconds,
    }


def numbers_of(world: measure.World) -> dict:
    """Runs what has no result yet, then reads everything."""
    jobs = measure.jobs(world)
    binary.run(world.binary, jobs)
    ranked = best_of_n.measure(world)
    seconds = sum(
        json.loads(path.read_text())["seconds"] for path in (world.binary.out / "rows").glob("*.stats.json")
    )
    return {
        "setup": setup(world, seconds),
        "accuracy": measure.accuracy(world),
        "differences": measure.differences(world),
        "votes": measure.voting(world),
        "budgets": measure.budgets(world),
        **ranked,
        "curve": measure.curve(world),
        "sizes": measure.sizes(world),
        "patterns": patterns.measure(world),
        "leaks": measure.leaks(world),
    }


def leaking(numbers: dict) -> list[str]:
    """Judges by rule that do better or worse on the pairs than chance may."""
    found = []
    for entry in numbers["leaks"]:
        share = entry["sampled"]
        # Few pairs stray further: chance does so by 3.3 standard deviations in one of a thousand sets.
        allowed = abs(share["value"] - 0.5) <= max(0.02, 3.3 * (0.25 / entry["pairs"]) ** 0.5)
        if entry["judge"].startswith("scripted:") and not allowed:
            found.append(f"{entry['judge']} is right in {100 * share['value']:.1f}% of {entry['pairs']} pairs")
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--root", type=pathlib.Path, default=pathlib.Path("target/tiny"), help="what runs/tiny.sh left behind")
    options.add_argument("--rrm", type=pathlib.Path, default=pathlib.Path("target/release/rrm"), help="the binary")
    options.add_argument("--processes", type=int, default=2, help="runs at once, each of one thread")
    options.add_argument("--short", action="store_true", help="a few hundred pairs; prints the tables and changes no document")
    options.add_argument("--docs", type=pathlib.Path, help="folder of miniature.md, whose tables and figures are replaced")
    given = options.parse_args()
    world = world_of(given)
    numbers = numbers_of(world)
    (world.binary.out / "miniature.json").write_text(json.dumps(numbers, indent=1) + "\n")
    parts = tables.markdown(numbers)
    if given.docs and not given.short:
        import figures

        document = given.docs / "miniature.md"
        drawn = figures.draw(numbers, given.docs / "figures")
        document.write_text(tables.fill(document.read_text(), parts | drawn))
        (given.docs / "figures" / "miniature.json").write_text(json.dumps(numbers, indent=1) + "\n")
    else:
        print("\n\n".join(f"### {name}\n\n{text}" for name, text in parts.items()))
    if found := leaking(numbers):
        sys.exit("the pairs give themselves away: " + "; ".join(found))


if __name__ == "__main__":
    main()
