"""What the numbers of the miniature rest on, on answers that are known."""

import unittest

import best_of_n
import domain
import judging
import patterns
import stats
import tables

PROMPT = "Keep two digits: 42 a+5 b-9 c*3"


def vote(right: bool | None, swapped: bool = False) -> judging.Vote:
    return judging.Vote(right, None, swapped, 10, "")


class TinyEval(unittest.TestCase):
    def test_wilson(self):
        """The example of Wilson's interval for 10 of 100 and for none of 20, computed by hand."""
        self.assertEqual([round(end, 4) for end in stats.wilson(0.1, 100)], [0.1, 0.0552, 0.1744])
        self.assertEqual([round(end, 4) for end in stats.wilson(0.0, 20)], [0.0, 0.0, 0.1611])

    def test_a_bootstrap_is_the_same_each_time_and_holds_the_mean(self):
        values = [float(i % 3 == 0) for i in range(300)]
        share = stats.bootstrap(values)
        self.assertEqual(share, stats.bootstrap(values))
        wilson = stats.wilson(share.value, 300)
        self.assertAlmostEqual(share.low, wilson.low, delta=0.015)
        self.assertAlmostEqual(share.high, wilson.high, delta=0.015)

    def test_undecided_majorities_are_neither_right_nor_wrong(self):
        votes = [vote(True), vote(False), vote(None), vote(True)]
        self.assertEqual([judging.majority(votes[:k]) for k in (1, 2, 3, 4)], [True, None, None, True])
        self.assertEqual(judging.share([True, None, False, True]), 0.5)
        self.assertEqual(judging.none_share([True, None, False, True]), 0.25)

    def test_votes_are_read_by_the_order_that_the_judge_saw(self):
        votes = [
            {"order": "given", "verdict": "first", "completion_tokens": 3, "completion": "k"},
            {"order": "swapped", "verdict": "first", "completion_tokens": 3, "completion": "k"},
            {"order": "given", "abstain": "no_verdict", "completion_tokens": 3, "completion": "k"},
        ]
        # Response 1 is shown first in the given order, and response 0 is labelled better.
        row = {"id": "x", "label": "first", "extra": {"steps": 3}, "matches": [{"first": 1, "second": 0, "votes": votes}]}
        pair = judging.pair(row)
        self.assertEqual([v.right for v in pair.votes], [False, False, None])
        self.assertEqual([v.shown_first for v in pair.votes], [True, False, None])

    def test_the_domain(self):
        asked = domain.problem(PROMPT)
        self.assertEqual((asked.labels, asked.start, asked.totals), ("abc", 42, [47, 38, 14]))
        steps = domain.solved("42a+5=47b-9=48c*3=44", asked)
        self.assertEqual(domain.response(steps), "a47 b48 c44")
        self.assertIsNone(domain.solved("a+5=47b-9=48", asked))

    def test_transcripts(self):
        asked = domain.problem(PROMPT)
        responses = ["a47 b38 c14", "a47 b39 c17"]
        look = lambda text: patterns.look(text, asked, responses, vote(True))  # noqa: E731
        careful = look("42a+5=474747b-9=383839</think>[1]")
        self.assertEqual((careful.steps, careful.first_difference, careful.steps_right, careful.copied_right), (2, 2, 2, 2))
        self.assertEqual(look("</think>[2]").steps, 0)
        # The second step is copied wrong; the third goes on from the second answer's total.
        wrong = look("42a+5=484747b-9=383939c*3=171417</think>[1]")
        self.assertEqual((wrong.steps, wrong.steps_right, wrong.copied_right), (3, 2, 2))
        seen = patterns.summary([careful, look("</think>[2]"), look("42a+5=474747</think>[1]"), wrong])
        kinds = ("thinks", "stops_before_difference", "stops_at_difference", "goes_on", "right_if_steps_right")
        self.assertEqual([seen[key] for key in kinds], [0.75, 0.25, 0.25, 0.25, 1.0])

    def test_chance_and_majority(self):
        samples = [("", 14), ("", 17), ("", 17), ("", 14), ("", 14)]
        each = best_of_n.Candidates("p", PROMPT, 14, samples)
        found = best_of_n.by_chance(each, 5)
        self.assertEqual(found, {"first sample": 1.0, "random sample": 0.6, "majority answer": 1.0, "oracle": 1.0})
        self.assertEqual(best_of_n.by_chance(each, 3)["majority answer"], 0.0)
        self.assertEqual((best_of_n.counts(32), best_of_n.opponents(8)), ([1, 2, 4, 8, 16, 32], [1, 2, 4, 7]))

    def test_a_table_takes_its_place(self):
        document = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"
        self.assertEqual(tables.fill(document, {"x": "new"}), "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n")
        with self.assertRaises(SystemExit):
            tables.fill(document, {"y": "new"})


if __name__ == "__main__":
    unittest.main()
