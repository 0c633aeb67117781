"""The package against a real `rrm serve` (the binary in RRM), and against a stand-in that fails on purpose."""

import asyncio
import http.server
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import types
import unittest

from rrm import Client, Refused, Unreachable
from rrm.trl import reward_function

SERVE = ["serve", "--engine", "scripted:longer", "--bind", "127.0.0.1:0", "--store", "none", "--strategy", "win-rate", "--deadline", "2"]


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if "RRM" not in os.environ:
            raise unittest.SkipTest("RRM does not name the rrm binary")
        cls.serving = subprocess.Popen([os.environ["RRM"], *SERVE], stderr=subprocess.PIPE, text=True)
        cls.url = re.search(r"http://[0-9.:]+", cls.serving.stderr.readline()).group()

    @classmethod
    def tearDownClass(cls):
        cls.serving.terminate()
        cls.serving.wait(20)
        cls.serving.stderr.close()

    def rewards(self, step, prompts, completions, **settings):
        function = reward_function(self.url, num_generations=2, retries=0, **settings)
        return function(prompts=prompts, completions=completions, trainer_state=types.SimpleNamespace(global_step=step))

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

    def test_a_prompt_that_a_step_holds_twice_fills_two_groups(self):
        rewards = asyncio.run(self.rewards(3, ["P"] * 4, ["a", "aa", "a", "aa"]))
        self.assertEqual(sum(rewards), 0.0)
        self.assertEqual(len(rewards), 4)

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

    def test_nobody_there_is_said(self):
        with Client("http://127.0.0.1:9", retries=0) as client, self.assertRaises(Unreachable):
            client.rank("P", ["a", "b"])


if __name__ == "__main__":
    unittest.main()
