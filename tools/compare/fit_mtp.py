#!/usr/bin/env python3
"""Fits of `zundel run` beside MLIP-3 `train`: moment tensor potentials of three sets, errors and processor time.

MLIP is not run: its figures are those of FIGURES.md beside the data (serial, default weights and start), which are repeated in
the table. Zundel runs on one thread, as often as --repeats says; the written potential is then evaluated on both sets by
`zundel eval`, and the errors are taken from that, in MLIP's measures: energy per atom, components of forces, components of the
virial. Zundel weights energies more than MLIP's default does, since its forces and virials have errors to spare.

    python3 tools/compare/fit_mtp.py ../shared/reference --repeats 3
"""

import argparse
import math
import re
import tempfile
from pathlib import Path

import common

# Name, level, elements, seconds of MLIP; its errors on the training and on the test set (meV/atom, eV/A, eV). The elements of `multi`
# are not stated with the data: any three will do.
SETS = [
    ("cu", 8, "Cu", "cu40_train", "cu_test", 36, (0.0155, 0.00314, 0.114), (0.0188, 0.00310, 0.0887)),
    ("multi", 8, "Mo Nb W", "multi_train", "multi_test", 224, (0.288, 0.0502, 1.35), (0.313, 0.0527, 1.52)),
    ("tacrvw8", 6, "Ta Cr V W", "tacrvw8_train", "tacrvw8_test", 30, (2.59, 0.0323, 0.875), (3.82, 0.0635, 1.32)),
]
SETTINGS = {
    "cu": "energy_weight = 30.0\nsteps = 150\n",
    "multi": "energy_weight = 30.0\n",
    "tacrvw8": "energy_weight = 10.0\n",
}

DECK = """version = 1

[fit]
file = "{model}"

[[fit.data]]
file = "{train}"
species = [{species}]

[fit.mtp]
level = {level}
species = [{species}]
cutoff = "5 Å"
selection = "none"
{settings}
"""


def frames_of_cfg(path):
    """Energy, forces and virial (xx yy zz yz xz xy) of every configuration."""
    words = iter(path.read_text().split("\n"))
    frames = []
    for line in words:
        if line.startswith("BEGIN_CFG"):
            frame = {"forces": []}
        elif line.strip() == "Size":
            frame["atoms"] = int(next(words))
        elif "AtomData:" in line:
            first = line.split()[1:].index("fx")
            for _ in range(frame["atoms"]):
                frame["forces"] += [float(x) for x in next(words).split()[first : first + 3]]
        elif line.strip() == "Energy":
            frame["energy"] = float(next(words))
        elif "PlusStress:" in line:
            order = line.split()[1:]
            values = dict(zip(order, map(float, next(words).split())))
            frame["virial"] = [values[k] for k in ("xx", "yy", "zz", "yz", "xz", "xy")]
        elif line.startswith("END_CFG"):
            frames.append(frame)
    return frames


def frames_of_xyz(path):
    """The same from an extended XYZ file."""
    lines = iter(path.read_text().splitlines())
    frames = []
    for line in lines:
        atoms, comment = int(line), next(lines)
        columns = re.search(r"Properties=(\S+)", comment).group(1).split(":")
        at = 0
        for name, width in zip(columns[::3], columns[2::3]):
            if name == "forces":
                first = at
            at += int(width)
        forces = []
        for _ in range(atoms):
            forces += [float(x) for x in next(lines).split()[first : first + 3]]
        w = [float(x) for x in re.search(r'virial="([^"]*)"', comment).group(1).split()]
        frames.append(
            {
                "atoms": atoms,
                "energy": float(re.search(r"\benergy=(\S+)", comment).group(1)),
                "forces": forces,
                "virial": [w[0], w[4], w[8], w[5], w[2], w[1]],
            }
        )
    return frames


def errors(program, model, species, data, folder):
    """Root mean square errors: meV/atom, eV/A, eV."""
    out = folder / "evaluated.xyz"
    common.timed([program, "eval", model, data, "--species", species.replace(" ", ","), "-q", "-j", "1", "-o", out])
    energy, forces, virial = [], [], []
    for found, known in zip(frames_of_xyz(out), frames_of_cfg(data), strict=True):
        energy.append((found["energy"] - known["energy"]) / known["atoms"])
        forces += [a - b for a, b in zip(found["forces"], known["forces"], strict=True)]
        off = [a - b for a, b in zip(found["virial"], known["virial"])]
        virial += off + off[3:]
    root = lambda values: math.sqrt(sum(x * x for x in values) / len(values))
    return 1e3 * root(energy), root(forces), root(virial)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path, help="the folder with mtp/training")
    parser.add_argument("--zundel", help="the program")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--sets", default="cu,multi,tacrvw8")
    options = parser.parse_args()
    program = common.zundel(options.zundel)
    common.machine()
    data = options.reference.resolve() / "mtp" / "training"
    rows = []
    for name, level, species, train, test, seconds, on_train, on_test in SETS:
        if name not in options.sets.split(","):
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            model = folder / "model.mtp"
            deck = folder / "fit.toml"
            quoted = ", ".join(f'"{s}"' for s in species.split())
            deck.write_text(
                DECK.format(
                    train=data / f"{train}.cfg",
                    species=quoted,
                    model=model.name,
                    level=level,
                    settings=SETTINGS[name],
                )
            )

            def fit():
                _, _, cpu = common.timed([program, "run", deck, "-j", "1", "-q", "--overwrite"], cwd=folder)
                return cpu

            times = common.in_turns(options.repeats, fit)[0]
            cpu = common.median(times)
            for what, file, theirs in (("train", train, on_train), ("test", test, on_test)):
                ours = errors(program, model, species, data / f"{file}.cfg", folder)
                cells = [f"{a:.4g} ({b:.4g})" for a, b in zip(ours, theirs)]
                good = "yes" if all(a <= b for a, b in zip(ours, theirs)) else "no"
                rows.append([name, what, *cells, good, f"{cpu:.1f} ({seconds})", f"{seconds / cpu:.1f}"])
    common.table(
        ["set", "frames", "meV/atom (MLIP)", "eV/A (MLIP)", "virial eV (MLIP)", "all lower", "CPU s (MLIP)", "ratio"],
        rows,
    )


if __name__ == "__main__":
    main()
