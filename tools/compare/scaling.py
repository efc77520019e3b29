#!/usr/bin/env python3
"""How a model scales: two threads beside two processes, and the cost per atom from small to large cells.

    python3 tools/compare/scaling.py MODEL CELL --repeat 4,4,4 --sizes 2,2,2 5,5,5 11,11,11 23,23,23

A run on N threads is compared with N runs of one thread each at the same time, in turns: what is lost is the price of sharing
the work. The sizes run on one thread, in turns as well, and the fastest of each is compared with the first. Energy, forces, virial and
a new neighbour list each time (`zundel bench`).
"""

import argparse
import json
import subprocess

import common


def command(program, options, repeat, threads, seconds):
    words = [program, "bench", options.model, options.cell, "--repeat", repeat]
    words += ["--threads", str(threads), "--seconds", str(seconds), "--json"]
    return words + (["--species", options.species] if options.species else [])


def alone(program, options, repeat, threads, seconds):
    """One process; its JSON object."""
    done = subprocess.run(command(program, options, repeat, threads, seconds), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def together(program, options, repeat, processes, seconds):
    """Several processes of one thread at the same time; their JSON objects."""
    running = [
        subprocess.Popen(command(program, options, repeat, 1, seconds), stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    return [json.loads(p.communicate()[0]) for p in running]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("cell", help="a structure file")
    p.add_argument("--species", help="elements of a model whose file does not name them, as in B,As")
    p.add_argument("--repeat", default="1,1,1", help="repetitions of the cell for the threads (1,1,1)")
    p.add_argument("--sizes", nargs="*", default=[], metavar="n,n,n", help="repetitions of the cell for the sizes")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--turns", type=int, default=7)
    p.add_argument("--seconds", type=float, default=2.0, help="measuring time of each run in a turn (2)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    program = common.zundel(options.zundel)
    common.machine()

    n = options.threads
    shared, apart = common.in_turns(
        options.turns,
        lambda: alone(program, options, options.repeat, n, options.seconds),
        lambda: together(program, options, options.repeat, n, options.seconds),
    )
    key = "microseconds_per_atom_step"
    # Atom-steps per microsecond.
    of_threads = [1 / r[key] for r in shared]
    of_processes = [sum(1 / r[key] for r in turn) for turn in apart]
    rows = [[
        shared[0]["atoms"], n,
        f"{common.median(of_threads):.4f} ± {common.spread(of_threads):.0f} %",
        f"{common.median(of_processes):.4f} ± {common.spread(of_processes):.0f} %",
        f"{common.median(of_threads) / common.median(of_processes):.3f}",
        f"{max(of_threads) / max(of_processes):.3f}",
    ]]
    head = ["atoms", "cores", "one process, atom-steps/µs", "a process each", "ratio of medians", "of the best"]
    common.table(head, rows)

    if options.sizes:
        sides = [lambda r=r: alone(program, options, r, 1, options.seconds) for r in options.sizes]
        found = common.in_turns(options.turns, *sides)
        fastest = [min(r["fastest_" + key] for r in turns) for turns in found]
        rows = [
            [turns[0]["atoms"], f"{common.median([r[key] for r in turns]):.2f}", f"{best:.2f}", f"{best / fastest[0]:.3f}"]
            for turns, best in zip(found, fastest)
        ]
        common.table(["atoms", "median µs/atom", "fastest µs/atom", "to the first"], rows)


if __name__ == "__main__":
    main()
