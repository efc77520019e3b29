#!/usr/bin/env python3
"""Zundel beside motep: time of energy, forces and virial of a moment tensor potential, one thread each, in turns.

The two models that ship with Zundel, and any further by argument, on rattled crystals of about 1000 atoms. motep is called
through its ASE calculator with its C engine (as fast as MLIP-2's own loop, or faster), its neighbour list included; Zundel
through `zundel bench --json`, neighbour search included. Both move the atoms a little before each call, so that nothing can
be kept. Before the clock counts, energies and forces of the two are compared.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install motep ase numpy
    .venv/bin/python tools/compare/mtp.py
    .venv/bin/python tools/compare/mtp.py diamond.mtp --species C --structure diamond.xyz --repeat 5,5,5

Printed are medians over the turns in µs per atom, and the quickest; ratios above 1 mean that Zundel is faster. On a busy machine
the wall clock of both sides is too long: take the ratio.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import common

SHIPPED = [
    ("potentials/tacrvw-mtp/tacrvw_l20.mtp", "Ta,Cr,V,W", "inputs/tacrvw.xyz", "2,2,1"),
    ("potentials/boron-arsenide-mtp/bas_l20.mtp", "B,As", "inputs/boron-arsenide.xyz", "5,5,5"),
]


def motep_worker(model, species, structure, calls):
    """Runs in a process of its own: evaluates once, then times some calls. Prints one JSON object."""
    import time

    import ase.io
    import numpy as np
    from ase.data import atomic_numbers
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    data = read_mtp(model)
    data.species = [atomic_numbers[s] for s in species.split(",")]
    atoms = ase.io.read(structure)
    atoms.calc = MTP(data, engine="cext", mode="run")
    result = {"energy": float(atoms.get_potential_energy()), "forces": atoms.get_forces().tolist()}
    rng = np.random.default_rng(1)
    wall = []
    for _ in range(calls):
        atoms.positions += rng.normal(0, 0.002, atoms.positions.shape)
        start = time.perf_counter()
        atoms.get_potential_energy()
        atoms.get_forces()
        atoms.get_stress()
        wall.append(time.perf_counter() - start)
    print("RESULT " + json.dumps(result | {"wall": wall}))


def motep_side(model, species, structure, calls):
    command = [sys.executable, __file__, "--worker", model, species, structure, calls]
    said, _, _ = common.timed([str(c) for c in command])
    return json.loads(said.split("RESULT ", 1)[1])


def zundel(program, model, species, structure, seconds):
    command = [program, "bench", model, structure, "--species", species, "--threads", "1", "--seconds", seconds, "--json"]
    said = json.loads(common.timed([str(c) for c in command])[0])
    return said["microseconds_per_atom_step"], said["fastest_microseconds_per_atom_step"]


def agreement(program, model, species, structure, theirs):
    """Largest differences of energy per atom and of forces, from `zundel eval`."""
    import io

    import ase.io
    import numpy as np

    command = [program, "eval", model, structure, "--species", species, "--threads", "1"]
    said, _, _ = common.timed([str(c) for c in command])
    ours = ase.io.read(io.StringIO(said), format="extxyz")
    energy = abs(ours.get_potential_energy() - theirs["energy"]) / len(ours)
    return energy, np.abs(ours.get_forces() - np.array(theirs["forces"])).max()


def rattled(structure, repeat, room):
    import ase.io
    import numpy as np

    atoms = ase.io.read(structure) * tuple(int(n) for n in repeat.split(","))
    atoms.positions += np.random.default_rng(0).normal(0, 0.05, atoms.positions.shape)
    path = Path(room) / f"{Path(structure).stem}-{len(atoms)}.extxyz"
    ase.io.write(path, atoms, format="extxyz", columns=["symbols", "positions"])
    # Both read the rounded positions of the file.
    return len(atoms), path


def main():
    if sys.argv[1:2] == ["--worker"]:
        return motep_worker(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", nargs="?", help="an MTP file (the two that ship with Zundel)")
    p.add_argument("--species", help="its elements in order, as in B,As")
    p.add_argument("--structure", help="cell to repeat and rattle")
    p.add_argument("--repeat", default="1,1,1", metavar="n,n,n", help="repetitions of the cell")
    p.add_argument("--turns", type=int, default=5, help="turns of each side (5)")
    p.add_argument("--calls", type=int, default=3, help="timed calls of motep in a turn (3)")
    p.add_argument("--seconds", type=float, default=1.0, help="measuring time of Zundel in a turn (1)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    if options.model and not (options.species and options.structure):
        p.error("a model needs --species and --structure")
    try:
        import ase  # noqa: F401
        import motep  # noqa: F401
    except ImportError as e:
        p.error(f"{e}: pip install motep ase numpy")
    program = common.zundel(options.zundel)
    common.machine()
    jobs = [(common.ROOT / m, s, common.ROOT / x, r) for m, s, x, r in SHIPPED]
    if options.model:
        jobs = [(Path(options.model), options.species, options.structure, options.repeat)]
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for model, species, structure, repeat in jobs:
            atoms, path = rattled(structure, repeat, room)
            theirs, ours = common.in_turns(
                options.turns,
                lambda: motep_side(model, species, path, options.calls),
                lambda: zundel(program, model, species, path, options.seconds),
            )
            energy, force = agreement(program, model, species, path, theirs[0])
            wall = [[w / atoms * 1e6 for w in t["wall"]] for t in theirs]
            medians = [common.median(w) for w in wall]
            mine = [o[0] for o in ours]
            quick = min(map(min, wall)), min(o[1] for o in ours)
            rows.append([
                model.name, atoms,
                f"{common.median(medians):.0f} ± {common.spread(medians):.0f} % ({quick[0]:.0f})",
                f"{common.median(mine):.1f} ± {common.spread(mine):.0f} % ({quick[1]:.1f})",
                f"{common.median(medians) / common.median(mine):.1f} ({quick[0] / quick[1]:.1f})",
                f"{energy:.0e}", f"{force:.0e}",
            ])
    head = ["model", "atoms", "motep µs/atom (quickest)", "Zundel µs/atom (quickest)", "ratio (quickest)", "ΔE eV/atom", "ΔF eV/Å"]
    common.table(head, rows)


if __name__ == "__main__":
    main()
