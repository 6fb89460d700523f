# SPDX-License-Identifier: Apache-2.0
"""Command line: start the simulator in the foreground.

The one idea: ports are the kernel's choice unless given, and the ready file is the only thing a
client has to know.
"""
import argparse
import gc
import json
import os
import sys

from .control import Control
from .loop import READ
from .registry import CLOUDS
from .server import Listener
from .sim import Simulator


def arguments():
    parser = argparse.ArgumentParser(prog="cloudsim", description="Cloud simulator on 127.0.0.1.")
    parser.add_argument("--folder", required=True, help="certificates and the ready file go here")
    parser.add_argument("--ready", help="ready file, JSON (default: FOLDER/ready.json)")
    parser.add_argument("--cloud", action="append", choices=sorted(CLOUDS),
                        help="which clouds to play; may be repeated (default: all)")
    parser.add_argument("--setup", help="JSON file with the initial configuration, as /configure")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--port", action="append", default=[], metavar="CLOUD.SERVICE=PORT",
                        help="for example alicloud.ram=9443; may be repeated")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when standard input ends, so that no simulator outlives a test")
    return parser.parse_args()


def watch_stdin(loop):
    def on_input(_mask):
        if not os.read(0, 4096):
            loop.stop()
    loop.watch(0, READ, on_input)


def main():
    args = arguments()
    os.makedirs(args.folder, exist_ok=True)
    folder = os.path.abspath(args.folder)
    setup = None
    if args.setup:
        with open(args.setup, encoding="utf-8") as file:
            setup = json.load(file)
    ports = {name: int(port) for name, _, port in (item.partition("=") for item in args.port)}
    ready = args.ready or os.path.join(folder, "ready.json")
    if os.path.exists(ready):
        os.unlink(ready)        # of an earlier run
    sim = Simulator(folder, args.cloud or sorted(CLOUDS), ports, setup)
    control = Listener(sim, "control", args.control_port, Control(sim).handle)
    sim.write_ready(ready, control.port)
    print("ready " + ready, flush=True)
    if args.until_stdin_closes:
        watch_stdin(sim.loop)
    gc.freeze()
    gc.set_threshold(100000, 20, 100)   # a full collection over a long call log is a pause
    sim.loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
