#!/usr/bin/env python3
"""Evaluates a moment tensor potential straight from its formulas, in extended precision and without any haste.

An independent check of the program, and the origin of the values in tests/data/mtp:

    mtp_reference.py MODEL STRUCTURES > reference.extxyz

STRUCTURES is extended XYZ whose column `mtp_type` has the labels of the species. Written are energy, virial, site
energies, forces, and grades where the model has a selection state. Needs numpy.
"""

import re
import struct
import sys

import numpy as np

REAL = np.longdouble


class Model:
    """The contents of a `.mtp` or `.almtp` file."""

    def __init__(self, path):
        data = open(path, "rb").read()
        cut = data.find(b"\n#M")
        text = (data if cut < 0 else data[: cut + 1]).decode()

        def value(key):
            found = re.search(rf"^\s*{key}\s*=\s*(.*)$", text, re.M)
            return found and found.group(1).strip()

        def numbers(key):
            found = value(key)
            return [float(x) for x in re.findall(r"[-+.\deE]+", found)]

        self.kind = value("radial_basis_type")
        scalings = re.findall(r"^\s*scaling\s*=\s*(\S+)", text, re.M)
        self.scaling = REAL(1)
        for s in scalings:
            self.scaling *= REAL(s)
        self.lo, self.cutoff = (REAL(value(k)) for k in ("min_dist", "max_dist"))
        self.size, self.functions = (int(value(k)) for k in ("radial_basis_size", "radial_funcs_count"))
        self.moments = int(value("alpha_moments_count"))
        whole = lambda key, width: np.array(numbers(key), dtype=int).reshape(-1, width)
        self.basic, self.times = whole("alpha_index_basic", 4), whole("alpha_index_times", 4)
        self.mapping = np.array(numbers("alpha_moment_mapping"), dtype=int)
        self.species = np.array(numbers("species_coeffs"), dtype=REAL)
        self.coefficients = np.array(numbers("moment_coeffs"), dtype=REAL)
        block = text[text.index("radial_coeffs\n") : text.index("alpha_moments_count")]
        self.labels, pairs = [], {}
        for line in block.splitlines()[1:]:
            line = line.strip()
            header = re.fullmatch(r"(-?\d+)-(-?\d+)", line)
            if header:
                pair = tuple(int(x) for x in header.groups())
                for label in pair:
                    if label not in self.labels:
                        self.labels.append(label)
                pairs[pair] = []
            elif line:
                pairs[pair].append([REAL(x) for x in re.findall(r"[-+.\deE]+", line)])
        n = len(self.labels)
        self.radial = np.array([[pairs[a, b] for b in self.labels] for a in self.labels], dtype=REAL)
        self.total = n * n * self.functions * self.size + n + len(self.coefficients)
        self.weights = None
        if cut >= 0:
            tail = data[cut + 1 :]
            self.weights = {
                k: float(re.search(rf"{k} (\S+)".encode(), tail).group(1))
                for k in ("energy_weight", "site_en_weight", "weight_scaling")
            }
            start = tail.index(b"#", 2) + 1
            count = self.total**2
            read = lambda at: np.array(struct.unpack_from(f"<{count}d", tail, at)).reshape(self.total, -1)
            self.q = read(start + 8 * count)

    def basis(self, r):
        """Values and derivatives of the radial basis."""
        inside = r
        if self.kind.endswith("_repuls") and r < self.lo:
            inside = self.lo
        x = (2 * inside - self.lo - self.cutoff) / (self.cutoff - self.lo)
        dx = 2 / (self.cutoff - self.lo)
        t, dt = [REAL(1), x], [REAL(0), REAL(1)]
        while len(t) < self.size:
            dt.append(2 * t[-1] + 2 * x * dt[-1] - dt[-2])
            t.append(2 * x * t[-1] - t[-2])
        t, dt = np.array(t[: self.size]), dx * np.array(dt[: self.size])
        if not self.kind.startswith("B"):
            left = self.cutoff - inside
            t, dt = t * left**2, dt * left**2 - 2 * t * left
        if self.kind.endswith("_repuls") and r <= self.lo:
            dt = 0 * dt
        return self.scaling * t, self.scaling * dt

    def repulsion(self, r):
        if not self.kind.endswith("_repuls") or r >= self.lo:
            return REAL(0), REAL(0)
        here, there = np.exp(-10 * (r - 1)), np.exp(-10 * (self.lo - 1))
        return 10000 * (here - there), -100000 * here

    def site(self, centre, vectors, kinds):
        """Energy, dE/dr of each neighbour, and dE/d(coefficients) of one centre."""
        n = len(vectors)
        basic = len(self.basic)
        f, df, phis = [], [], []
        energy, extra = self.species[centre], np.zeros((n, 3), REAL)
        distances = np.sqrt((vectors**2).sum(axis=1)) if n else np.zeros(0, REAL)
        for r, kind, v, e in zip(distances, kinds, vectors, extra):
            phi, dphi = self.basis(r)
            c = self.radial[centre, kind]
            f.append(c @ phi), df.append(c @ dphi), phis.append(phi)
            value, slope = self.repulsion(r)
            energy = energy + value
            e += slope * v / r
        m = np.zeros(self.moments, REAL)
        terms = np.zeros((basic, n), REAL)
        grads = np.zeros((basic, n, 3), REAL)
        monos = np.zeros((basic, n), REAL)
        if n:
            f, df = np.array(f), np.array(df)
            powers = np.array([vectors**p for p in range(self.basic[:, 1:].max() + 1)])
            for k, (mu, a, b, c) in enumerate(self.basic):
                rank = a + b + c
                scale = distances ** (-rank)
                mono = powers[a][:, 0] * powers[b][:, 1] * powers[c][:, 2]
                h = f[:, mu] * scale
                dh = df[:, mu] * scale - rank * h / distances
                monos[k] = mono * scale
                terms[k] = h * mono
                grads[k] = (dh * mono / distances)[:, None] * vectors
                for axis, p in enumerate((a, b, c)):
                    if p:
                        rest = [a, b, c]
                        rest[axis] -= 1
                        lower = powers[rest[0]][:, 0] * powers[rest[1]][:, 1] * powers[rest[2]][:, 2]
                        grads[k][:, axis] += h * p * lower
        m[:basic] = terms.sum(axis=1)
        for a, b, k, t in self.times:
            m[t] += k * m[a] * m[b]
        w = np.zeros(self.moments, REAL)
        w[self.mapping] = self.coefficients
        for a, b, k, t in self.times[::-1]:
            s = k * w[t]
            wa, wb = s * m[b], s * m[a]
            w[a] += wa
            w[b] += wb
        energy = energy + self.coefficients @ m[self.mapping]
        gradient = extra + np.einsum("k,kjx->jx", w[:basic], grads)
        row = np.zeros_like(self.radial)
        for j in range(n):
            weights = np.zeros(self.functions, REAL)
            np.add.at(weights, self.basic[:, 0], w[:basic] * monos[:, j])
            row[centre, kinds[j]] += np.outer(weights, phis[j])
        unit = np.zeros(len(self.labels), REAL)
        unit[centre] = 1
        return energy, gradient, np.concatenate([row.ravel(), unit, m[self.mapping]])


def neighbours(cell, periodic, positions, i, cutoff):
    """Every atom and image within the cutoff of atom i: index and vector."""
    reach = [0, 0, 0]
    if any(periodic):
        full = cell.astype(float).copy()
        for k in range(3):
            if not full[k].any():
                free = np.linalg.svd(np.array([v for v in full if v.any()]))[2][-1]
                full[k] = free
        inverse = np.linalg.inv(full)
        spread = np.ptp(positions.astype(float) @ inverse, axis=0)
        for k in range(3):
            if periodic[k]:
                reach[k] = int(np.ceil(float(cutoff) * np.linalg.norm(inverse[:, k]) + spread[k])) + 1
    shifts = np.array(np.meshgrid(*(range(-n, n + 1) for n in reach))).reshape(3, -1).T
    for j in range(len(positions)):
        v = positions[j] - positions[i] + shifts.astype(REAL) @ cell
        r = np.sqrt((v**2).sum(axis=1))
        for k in np.nonzero((r < cutoff) & (r > 0))[0]:
            yield j, v[k]


def evaluate(model, cell, periodic, positions, kinds):
    count = len(positions)
    energies, forces = np.zeros(count, REAL), np.zeros((count, 3), REAL)
    virial, rows = np.zeros((3, 3), REAL), []
    for i in range(count):
        near = list(neighbours(cell, periodic, positions, i, model.cutoff))
        vectors = np.array([v for _, v in near], dtype=REAL).reshape(-1, 3)
        energies[i], gradient, row = model.site(kinds[i], vectors, [kinds[j] for j, _ in near])
        rows.append(row)
        for (j, v), g in zip(near, gradient):
            forces[i] += g
            forces[j] -= g
            virial -= np.outer(v, g)
    grades = None
    if model.weights:
        if model.weights["site_en_weight"]:
            grades = np.abs(np.array(rows, dtype=float) @ model.q.T).max(axis=1)
        else:
            power = model.weights["weight_scaling"] / 2
            row = model.weights["energy_weight"] * sum(rows) / REAL(count) ** power
            grades = np.abs(model.q @ row.astype(float)).max()
    return energies, forces, virial, grades


def frames(path):
    lines = open(path).read().splitlines()
    at = 0
    while at < len(lines) and lines[at].strip():
        count, comment = int(lines[at]), lines[at + 1]
        columns = re.search(r"Properties=(\S+)", comment).group(1).split(":")
        offset, where = 0, {}
        for name, _, width in zip(columns[::3], columns[1::3], columns[2::3]):
            where[name] = offset
            offset += int(width)
        words = [line.split() for line in lines[at + 2 : at + 2 + count]]
        lattice = re.search(r'Lattice="([^"]*)"', comment)
        cell = np.zeros((3, 3), REAL)
        if lattice:
            cell = np.array([REAL(x) for x in lattice.group(1).split()]).reshape(3, 3)
        pbc = re.search(r'pbc="([^"]*)"', comment)
        periodic = [w == "T" for w in pbc.group(1).split()] if pbc else [bool(v.any()) for v in cell]
        p = where["pos"]
        yield dict(
            comment=comment,
            cell=cell,
            periodic=periodic,
            symbols=[w[where["species"]] for w in words],
            labels=[int(w[where["mtp_type"]]) for w in words],
            positions=np.array([[REAL(x) for x in w[p : p + 3]] for w in words]),
        )
        at += 2 + count


def show(x):
    return f"{float(x):.17g}"


def main(model_path, structures):
    model = Model(model_path)
    for frame in frames(structures):
        kinds = [model.labels.index(label) for label in frame["labels"]]
        energies, forces, virial, grades = evaluate(
            model, frame["cell"], frame["periodic"], frame["positions"], kinds
        )
        per_atom = grades is not None and np.ndim(grades) == 1
        header = []
        if frame["cell"].any():
            header.append('Lattice="' + " ".join(show(x) for x in frame["cell"].ravel()) + '"')
        columns = "species:S:1:pos:R:3:mtp_type:I:1:energies:R:1:forces:R:3"
        header.append("Properties=" + columns + (":nbh_grades:R:1" if per_atom else ""))
        header.append(f"energy={show(energies.sum())}")
        header.append('virial="' + " ".join(show(x) for x in virial.ravel()) + '"')
        if grades is not None:
            header.append(f"grade={show(np.max(grades))}")
        header.append('pbc="' + " ".join("T" if p else "F" for p in frame["periodic"]) + '"')
        print(len(kinds))
        print(" ".join(header))
        for i, symbol in enumerate(frame["symbols"]):
            numbers = [*frame["positions"][i], frame["labels"][i], energies[i], *forces[i]]
            if per_atom:
                numbers.append(grades[i])
            words = [str(x) if isinstance(x, int) else show(x) for x in numbers]
            print(symbol, *words)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
