#!/usr/bin/env python3
"""Serves a GGUF file on loopback with llama.cpp's own server, out of the PyPI package xllamacpp, until it is killed.

    serve_llama_cpp.py FILE.gguf PORT CONTEXT SLOTS NAME

CONTEXT is that of all slots together, as with `llama-server -c CONTEXT -np SLOTS`; NAME is what /v1/models lists.
"""

import sys
import time

import xllamacpp

file, port, context, slots, name = sys.argv[1:6]
settings = xllamacpp.CommonParams()
settings.model.path = file
settings.model_alias = {name}
settings.port = int(port)
settings.hostnames = ["127.0.0.1"]
settings.n_ctx = int(context)
settings.n_parallel = int(slots)
settings.cpuparams.n_threads = 1
settings.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
while True:
    time.sleep(3600)
