"""The package against a real `rrm serve` (the binary in RRM), and against a stand-in that fails on purpose."""

import asyncio
import http.server
import json
import os
import re
import subprocess
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
