"""Problems -> a solver's samples -> the best of N by the judge, by chance, by majority and by an oracle.

The solver is the base of the same seed, asked for an answer instead of for a verdict: `rrm judge` with a format that shows the problem alone and
as many votes as samples are wanted, none of which states a verdict. What was written is read from the store.
"""

import collections
import json
import pathlib
import random
import typing

import domain
from binary import Binary, Job, rows, run, texts
from layout import Judge
from measure import LONGEST, SAMPLED, World
from stats import bootstrap, mean

# Samples without a readable answer are passed over, so a few more are drawn.
SPARE = 8
ALL_PAIRS = "Elo, all pairs"


class Candidates(typing.NamedTuple):
    """One problem with the solver's samples."""

    id: str
    prompt: str
    answer: int
    samples: list[tuple[str, int]]
    """Text as it is judged, and final answer."""


def counts(most: int) -> list[int]:
    """1, 2, 4 up to the most."""
    return [1 << power for power in range(most.bit_length()) if 1 << power <= most]


def solver_job(world: World, problems: pathlib.Path, steps: int, seed: int) -> Job:
    votes = ("--votes", str(world.settings.candidates + SPARE))
    base = world.layout.judge("base", seed)
    return Job(f"solver-n{steps}-{seed}", "judge", problems, base.engine, world.layout.formats["solver"], (*LONGEST, *SAMPLED, *votes))


def problems_file(world: World, steps: int) -> pathlib.Path:
    """The problems as `rrm judge` reads rows: with two responses that the solver's format does not show. Nobody is asked about equal ones."""
    lines = world.layout.problems[steps].read_text().splitlines()[: world.settings.problems_per_length]
    path = world.binary.out / "inputs" / f"problems-n{steps}.jsonl"
    path.write_text("".join(json.dumps(json.loads(line) | {"responses": ["first", "second"]}) + "\n" for line in lines))
    return path


def candidates(world: World, job: Job) -> tuple[list[Candidates], dict]:
    """Every problem with enough readable samples, and what the solver's samples are like."""
    asked = {row["id"]: row for row in map(json.loads, job.input.read_text().splitlines())}
    found, readable, drawn, dropped = [], 0, 0, 0
    for row in rows(world.binary, job):
        problem = asked[row["id"]]
        keys = [vote["completion"] for vote in row["matches"][0]["votes"]]
        written = texts(world.binary, job, keys)
        parsed = domain.problem(problem["prompt"])
        solved = [steps for text in written if (steps := domain.solved(text, parsed))]
        drawn, readable = drawn + len(written), readable + len(solved)
        samples = [(domain.response(steps), steps[-1][1]) for steps in solved]
        samples = samples[: world.settings.candidates]
        if len(samples) == world.settings.candidates:
            found.append(Candidates(row["id"], problem["prompt"], parsed.totals[-1], samples))
        else:
            dropped += 1
    return found, {"readable": readable / drawn, "problems": len(found), "dropped": dropped}


def ranking_file(world: World, steps: int, seed: int, all_candidates: list[Candidates], n: int) -> pathlib.Path:
    path = world.binary.out / "inputs" / f"best-of-{n}-n{steps}-{seed}.jsonl"
    lines = []
    for each in all_candidates:
        responses = [{"text": text, "answer": said, "correct": said == each.answer} for text, said in each.samples[:n]]
        lines.append(json.dumps({"id": each.id, "prompt": each.prompt, "responses": responses}) + "\n")
    path.write_text("".join(lines))
    return path


def rank_job(world: World, name: str, judge: Judge, file: pathlib.Path, *options: str) -> Job:
    """One ranking; equal answers are one team, since between them there is nothing to judge."""
    options = (*LONGEST, *SAMPLED, "--teams", "answer", *options)
    return Job(f"{name}-{judge.kind}-{judge.seed}", "rank", file, judge.engine, world.layout.formats[judge.format], options)


def strategies(world: World, n: int) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name of a method -> which judge, and options of `rrm rank`."""
    votes = ("--votes", str(world.settings.knockout_votes))
    found = {
        "knockout": ("rrm", ("--strategy", "knockout")),
        f"knockout, {votes[1]} votes": ("rrm", ("--strategy", "knockout", *votes)),
        ALL_PAIRS: ("rrm", ("--strategy", "elo")),
        "knockout by the base": ("base", ("--strategy", "knockout")),
        "knockout by DirectJudge": ("direct", ("--strategy", "knockout")),
    }
    return {name: how for name, how in found.items() if n > 1}


def opponents(n: int) -> list[int]:
    """Opponents of each response: 1, 2, 4 up to everybody."""
    return [m for m in counts(n - 1) if m < n - 1] + [n - 1]


class Ranked(typing.NamedTuple):
    """What one ranking picked for each problem, and the comparisons that it took."""

    right: dict[str, float]
    comparisons: float


def ranked(binary: Binary, job: Job) -> Ranked:
    labels = {row["id"]: [response["correct"] for response in row["responses"]] for row in map(json.loads, job.input.read_text().splitlines())}
    done = rows(binary, job)
    judged = [sum(match["decided_by"] != "team" for match in row["matches"]) for row in done]
    # Where no verdict says which one is best there is no order, and nothing right was picked.
    right = {row["id"]: float(row["order"] is not None and labels[row["id"]][row["order"][0]]) for row in done}
    return Ranked(right, mean(judged) or 0.0)


def by_chance(each: Candidates, n: int) -> dict[str, float]:
    """What the first sample, a sample by chance, the majority answer and an oracle have right."""
    answers = [said for _, said in each.samples[:n]]
    tally = collections.Counter(answers)
    most = max(tally.values())
    # Of several most frequent answers one by lot, keyed by the problem.
    chosen = random.Random(each.id).choice(sorted(said for said, count in tally.items() if count == most))
    right = [said == each.answer for said in answers]
    return {
        "first sample": float(right[0]),
        "random sample": sum(right) / n,
        "majority answer": float(chosen == each.answer),
        "oracle": float(any(right)),
    }


def measure(world: World) -> dict[str, list[dict]]:
    """3. and 4.: all lengths for which there are problems, all seeds that have a base and a judge."""
    out: dict[str, list[dict]] = {"solver": [], "best_of_n": [], "comparisons": []}
    seeds = [seed for seed in world.layout.seeds if world.layout.judge("base", seed) and world.layout.judge("rrm", seed)]
    for steps in world.layout.problems if seeds else ():
        file = problems_file(world, steps)
        solving = {seed: solver_job(world, file, steps, seed) for seed in seeds}
        run(world.binary, solving.values())
        solved = {}
        for seed, job in solving.items():
            solved[seed], summary = candidates(world, job)
            out["solver"].append({"steps": steps, "seed": seed} | summary)
        jobs = ranking_jobs(world, steps, solved)
        # What the round robin of all candidates played is in the store when the others play the same pairs.
        most = world.settings.candidates
        run(world.binary, [job for (name, n, _), job in jobs.items() if (name, n) == (ALL_PAIRS, most)])
        run(world.binary, jobs.values())
        done = {key: ranked(world.binary, job) for key, job in jobs.items()}
        out["best_of_n"] += methods(world, steps, solved, done)
        out["comparisons"] += saturation(world, steps, done)
    return out


Key = tuple[str, int, int]
"""Method, N and seed of a ranking."""


def ranking_jobs(world: World, steps: int, solved: dict[int, list[Candidates]]) -> dict[Key, Job]:
    """All rankings of the problems of one length."""
    most, jobs = world.settings.candidates, {}
    for seed, found in solved.items():
        if not found:
            continue
        for n in reversed(counts(most)[1:]):
            file = ranking_file(world, steps, seed, found, n)
            for name, (kind, options) in strategies(world, n).items():
                if judge := world.layout.judge(kind, seed):
                    jobs[name, n, seed] = rank_job(world, f"best-of-{n}-n{steps}-{name.split()[0].strip(',').lower()}", judge, file, *options)
            for m in opponents(n) if n == most else ():
                # Everybody as an opponent is the round robin.
                everybody, options = jobs[ALL_PAIRS, n, seed], ("--strategy", "elo", "--opponents", str(m))
                rrm = world.layout.judge("rrm", seed)
                jobs[f"opponents {m}", n, seed] = everybody if m == n - 1 else rank_job(world, f"opponents-{m}-n{steps}", rrm, file, *options)
    return jobs


def picks(world: World, solved: dict[int, list[Candidates]], done: dict[Key, Ranked], n: int) -> dict[str, dict[str, float]]:
    """Method -> problem -> how often it picked a right answer, the mean of the seeds."""
    values: dict[str, dict[str, list[float]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for seed, all_candidates in solved.items():
        for each in all_candidates:
            for name, value in by_chance(each, n).items():
                values[name][each.id].append(value)
        for name in strategies(world, n):
            if ranking := done.get((name, n, seed)):
                for id, value in ranking.right.items():
                    values[name][id].append(value)
    return {name: {id: mean(seeds) for id, seeds in by_id.items()} for name, by_id in values.items()}


def methods(world: World, steps: int, solved: dict[int, list[Candidates]], done: dict[Key, Ranked]) -> list[dict]:
    """3. How often each method picks a right answer, and by how much it is ahead of the majority answer; intervals are over problems."""
    found = []
    # A solver that writes nothing readable leaves nothing to choose from.
    for n in counts(world.settings.candidates) if any(solved.values()) else ():
        by_method = picks(world, solved, done, n)
        majority = by_method["majority answer"]
        for name, values in by_method.items():
            taken = mean(ranking.comparisons for key, ranking in done.items() if key[:2] == (name, n))
            ahead = bootstrap([value - majority[id] for id, value in values.items()]).json()
            entry = {"steps": steps, "n": n, "method": name, "problems": len(values), "comparisons": taken}
            found.append(entry | {"accuracy": bootstrap(list(values.values())).json(), "ahead_of_majority": ahead})
    return found


def saturation(world: World, steps: int, done: dict[Key, Ranked]) -> list[dict]:
    """4. The right picks of Elo against the comparisons that it rests on."""
    most, found = world.settings.candidates, []
    for m in opponents(most):
        rankings = [ranking for (name, _, _), ranking in done.items() if name == f"opponents {m}"]
        values: dict[str, list[float]] = collections.defaultdict(list)
        for ranking in rankings:
            for id, value in ranking.right.items():
                values[id].append(value)
        if rankings:
            accuracy = bootstrap([mean(seeds) for seeds in values.values()]).json()
            found.append({"steps": steps, "n": most, "opponents": m, "comparisons": mean(r.comparisons for r in rankings), "accuracy": accuracy})
    return found
