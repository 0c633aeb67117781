"""The package against a real `rrm serve` (the binary in RRM), and against a stand-in that fails on purpose."""

import asyncio
import contextlib
import http.server
import itertools
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import types
import unittest
import unittest.mock

import httpx

from rrm import AsyncClient, Client, Refused, Unreachable
from rrm.trl import reward_function

SERVE = ["serve", "--engine", "scripted:longer", "--bind", "127.0.0.1:0", "--store", "none", "--strategy", "win-rate", "--deadline"]


class Trainer:
    """What TRL's trainers are to a reward function: a method, and a model behind it."""

    def __init__(self):
        self.model = types.SimpleNamespace(training=True)

    def log_metric(self, name, value):
        pass


@contextlib.contextmanager
def lossy(url, lost):
    """An address that hands on to `url` and closes the connection in place of one answer with a reward, the `lost`-th."""
    rewards = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = httpx.post(url + self.path, content=body, headers={"content-type": "application/json"}, timeout=60)
            if answer.status_code == 200 and next(rewards) == lost:
                self.connection.close()
                return
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if "RRM" not in os.environ:
            raise unittest.SkipTest("RRM does not name the rrm binary")
        cls.serving = [subprocess.Popen([os.environ["RRM"], *SERVE, deadline], stderr=subprocess.PIPE, text=True) for deadline in ["2", "3600"]]
        # One that gives up soon, and one whose deadline no test waits for.
        cls.url, cls.patient = [re.search(r"http://[0-9.:]+", serving.stderr.readline()).group() for serving in cls.serving]

    @classmethod
    def tearDownClass(cls):
        for serving in cls.serving:
            serving.terminate()
            serving.wait(20)
            serving.stderr.close()

    def rewards(self, step, prompts, completions, generations=2, url=None, log_metric=None, **settings):
        function = reward_function(url or self.url, num_generations=generations, retries=0, **settings)
        state = types.SimpleNamespace(global_step=step)
        return function(prompts=prompts, completions=completions, trainer_state=state, log_metric=log_metric)

    def test_rows(self):
        with Client(self.url) as client:
            self.assertEqual(client.ready()["judge"], "scripted:longer")
            self.assertEqual(client.judge("P", "a", "aa")["verdict"], "second")
            self.assertEqual(client.rank("P", ["a", "aaa", "aa"])["order"], [1, 2, 0])
            with self.assertRaises(Refused) as refused:
                client.rank("P", ["a"])
            self.assertEqual((refused.exception.status, refused.exception.code), (422, "invalid"))

    def test_a_batch_of_two_groups(self):
        completions = ["a", "aa", [{"role": "assistant", "content": "bbb"}], "b"]
        self.assertEqual(asyncio.run(self.rewards(1, ["P", "P", "Q", "Q"], completions)), [-0.5, 0.5, 0.5, -0.5])

    def test_a_group_whose_members_come_from_two_processes(self):
        async def both():
            return await asyncio.gather(self.rewards(2, ["P", "Q"], ["a", "bb"]), self.rewards(2, ["Q", "P"], ["b", "aa"]))

        self.assertEqual(asyncio.run(both()), [[-0.5, 0.5], [-0.5, 0.5]])

    def test_a_prompt_that_a_step_holds_twice_has_two_groups_in_their_order(self):
        for step in range(30, 40):
            rewards = asyncio.run(self.rewards(step, ["P"] * 6, ["a", "aaa", "aaaaaa", "aaaaa", "aa", "aaaa"]))
            self.assertEqual(rewards, [-0.5, 0.5, 0.5, -0.5, -0.5, 0.5])

    def test_messages_are_read_and_the_last_of_the_assistant_is_judged(self):
        said = lambda text: {"role": "assistant", "content": text}
        tool = {"role": "tool", "content": "a long result of a tool"}
        for i, completion in enumerate([
            [said("bb")],
            [said([{"type": "text", "text": "b"}, {"type": "text", "text": "b"}])],
            [said("a long first turn"), tool, said("bb")],
            [said("bb"), tool],
            [said(None), tool, said("bb")],
        ]):
            prompt = [{"role": "user", "content": [{"type": "text", "text": f"P{i}"}]}]
            self.assertEqual(asyncio.run(self.rewards(20, [prompt, prompt], [completion, [said("a")]])), [0.5, -0.5])
            self.assertEqual(asyncio.run(self.rewards(21, [prompt, prompt], [completion, [said("ccc")]])), [-0.5, 0.5])
        self.assertEqual(asyncio.run(self.rewards(22, ["P", "P"], [[said(None)], "a"])), [-0.5, 0.5])

    def test_a_completion_that_cannot_be_judged_says_why_at_once(self):
        image = [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
        for i, (bad, why) in enumerate([
            ([], "an empty list"),
            (image, "image_url"),
            ([{"role": "user", "content": "b"}], "a whole conversation"),
            ([{"role": "tool", "content": "b"}], "no message of the assistant"),
            ("smile \ud83d", "hex escape"),
        ]):
            # A deadline that nobody lives to see.
            with self.assertRaises(Refused) as refused:
                asyncio.run(asyncio.wait_for(self.rewards(30 + i, ["P"] * 4, ["a", "aa", bad, "aaa"], generations=4, url=self.patient), 60))
            self.assertEqual((refused.exception.status, refused.exception.code), (422, "invalid"))
            self.assertIn(why, refused.exception.message)
            none = self.rewards(40 + i, ["P"] * 4, ["a", "aa", bad, "aaa"], generations=4, url=self.patient, on_failure="none")
            self.assertEqual(asyncio.run(asyncio.wait_for(none, 60)), [None] * 4)

    def test_evaluation_has_groups_of_its_own_size(self):
        trainer = Trainer()
        asked = lambda step, completions, **more: asyncio.run(
            self.rewards(step, ["P"] * len(completions), completions, generations=4, num_generations_eval=2, **more)
        )
        # The trainer says which it is; a prompt may come twice.
        trainer.model.training = False
        self.assertEqual(asked(50, ["a", "aa"], log_metric=trainer.log_metric), [-0.5, 0.5])
        self.assertEqual(sorted(asked(51, ["a", "aa", "a", "aa"], log_metric=trainer.log_metric)), [-0.5, -0.5, 0.5, 0.5])
        trainer.model.training = True
        thirds = [-0.5, -0.5 / 3, 0.5 / 3, 0.5]
        for found, expected in zip(asked(51, ["a", "aa", "aaa", "aaaa"], log_metric=trainer.log_metric), thirds):
            self.assertAlmostEqual(found, expected)
        # Without a trainer, one process knows by how often a prompt comes.
        self.assertEqual(asked(52, ["a", "aa"]), [-0.5, 0.5])
        for found, expected in zip(asked(52, ["a", "aa", "aaa", "aaaa"]), thirds):
            self.assertAlmostEqual(found, expected)
        with unittest.mock.patch.dict(os.environ, WORLD_SIZE="2"), self.assertRaisesRegex(ValueError, "several processes"):
            asked(53, ["a", "aa"])
        for settings in [{"num_generations": 1}, {"num_generations": 4, "num_generations_eval": 1}]:
            with self.assertRaisesRegex(ValueError, "needs 2 or more"):
                reward_function(self.url, **settings)

    def test_an_answer_that_is_lost_on_its_way_is_asked_for_again(self):
        for prompts, completions, expected in [
            (["P"] * 2, ["a", "aa"], [[-0.5, 0.5]]),
            # Twins, and a prompt that comes twice.
            (["P"] * 4, ["a", "a", "a", "aa"], [[0.0, 0.0, -0.5, 0.5], [0.0, -0.5, 0.0, 0.5], [-0.5, 0.0, 0.0, 0.5]]),
        ]:
            for lost in range(len(completions)):
                with lossy(self.patient, lost) as url:
                    function = reward_function(url, num_generations=2)
                    state = types.SimpleNamespace(global_step=60 + 10 * len(completions) + lost)
                    asked = function(prompts=prompts, completions=completions, trainer_state=state)
                    self.assertIn(asyncio.run(asyncio.wait_for(asked, 60)), expected)

    def test_a_missing_member_is_an_error_or_none_and_never_a_number(self):
        with self.assertRaises(Refused) as refused:
            asyncio.run(self.rewards(4, ["P"], ["a"]))
        self.assertEqual(refused.exception.code, "incomplete")
        self.assertEqual(asyncio.run(self.rewards(5, ["P"], ["a"], on_failure="none")), [None])


class Verl(unittest.TestCase):
    """The reward manager on a stand-in for verl's base class; runs/verl_reward.sh has the real one."""

    def manager(self, takes_score, **config):
        base = types.ModuleType("verl.experimental.reward_loop.reward_manager.base")
        if takes_score:
            class RewardManagerBase:
                def __init__(self, config, tokenizer, compute_score):
                    self.loop, self.tokenizer = asyncio.new_event_loop(), tokenizer
        else:
            class RewardManagerBase:
                def __init__(self, config, tokenizer):
                    self.loop, self.tokenizer = asyncio.new_event_loop(), tokenizer
        base.RewardManagerBase = RewardManagerBase
        names = ["verl", "verl.experimental", "verl.experimental.reward_loop", "verl.experimental.reward_loop.reward_manager"]
        stand_ins = {name: types.ModuleType(name) for name in names} | {base.__name__: base}
        for name in ["rrm.verl", *stand_ins]:
            sys.modules.pop(name, None)
        sys.modules.update(stand_ins)
        try:
            import importlib

            made = importlib.import_module("rrm.verl").RrmRewardManager
        finally:
            for name in ["rrm.verl", *stand_ins]:
                sys.modules.pop(name, None)
        return made(Settings(config), tokenizer=None)

    def rollout(self, n, of_validation):
        return Settings({"rollout": Settings({"n": n, "val_kwargs": {"n": of_validation}})})

    def test_both_generations_of_the_base_class(self):
        for takes_score in [False, True]:
            manager = self.manager(takes_score, actor_rollout_ref=self.rollout(8, 1), rrm={"url": "http://127.0.0.1:1", "scale": "unit"})
            self.assertEqual((manager.size, manager.url, manager.scale, manager.run), (8, "http://127.0.0.1:1", "unit", "verl"))

    def test_groups_that_could_never_fill_are_refused_at_the_start(self):
        with self.assertRaisesRegex(ValueError, "needs 2 or more responses"):
            self.manager(True, actor_rollout_ref=self.rollout(1, 1))
        with self.assertRaisesRegex(ValueError, "validation samples 1 responses"):
            self.manager(True, actor_rollout_ref=self.rollout(8, 1), trainer={"test_freq": 5})
        self.manager(True, actor_rollout_ref=self.rollout(8, 8), trainer={"test_freq": 5})

    def test_a_batch_without_uid_says_so(self):
        manager = self.manager(True, actor_rollout_ref=self.rollout(8, 1))
        item = types.SimpleNamespace(non_tensor_batch={})
        with self.assertRaisesRegex(KeyError, "uid"):
            asyncio.run(manager.run_single([item]))


class Settings(dict):
    """What verl's configuration does: keys as attributes."""

    __getattr__ = dict.__getitem__


class Errors(unittest.TestCase):
    def test_a_refusal_crosses_processes(self):
        refused = pickle.loads(pickle.dumps(Refused(424, "incomplete", "3 of 4 members came")))
        self.assertEqual((refused.status, refused.code, str(refused)), (424, "incomplete", "424 incomplete: 3 of 4 members came"))


class Failing(http.server.BaseHTTPRequestHandler):
    """A stand-in for a server in trouble: refuses twice, then breaks a connection, then answers."""

    asked = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        Failing.asked += 1
        if Failing.asked == 3:
            self.connection.close()
            return
        body = json.dumps({"error": {"code": "busy", "message": "later"}} if Failing.asked < 3 else {"order": [0, 1]}).encode()
        self.send_response([429, 503, 0, 200][Failing.asked - 1])
        self.send_header("retry-after", "0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WithTrouble(unittest.TestCase):
    def test_passing_trouble_is_tried_again(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            self.assertEqual(client.rank("P", ["a", "b"]), {"order": [0, 1]})
        self.assertEqual(Failing.asked, 4)
        server.shutdown()
        server.server_close()

    def test_the_key_of_the_judges_provider_is_not_sent(self):
        sent = lambda client: client._http.headers.get("authorization")
        with unittest.mock.patch.dict(os.environ, RRM_API_KEY="the provider's"):
            for kind in [Client, AsyncClient]:
                self.assertIsNone(sent(kind("http://127.0.0.1:9")))
                self.assertEqual(sent(kind("http://127.0.0.1:9", token="t")), "Bearer t")
                with unittest.mock.patch.dict(os.environ, RRM_SERVER_TOKEN="the server's"):
                    self.assertEqual(sent(kind("http://127.0.0.1:9")), "Bearer the server's")

    def test_nobody_there_is_said(self):
        with Client("http://127.0.0.1:9", retries=0) as client, self.assertRaises(Unreachable):
            client.rank("P", ["a", "b"])


if __name__ == "__main__":
    unittest.main()
