#!/usr/bin/env python3
"""Small sGDML models with reference values, for `tests/data/sgdml`.

    python3 -m venv .venv && .venv/bin/pip install "numpy<2.4" sgdml
    .venv/bin/python tools/synthetic_sgdml.py

Each model is trained here, in closed form (Chmiela et al., Nat. Commun. 9, 3887 (2018)), on a handful of geometries of a
molecule whose energy is a sum of Morse curves over all pairs: that takes milliseconds, and gives the huge coefficients that
cancel in models of any size. The files differ in what files of different versions differ in.

`reference.extxyz` holds for each geometry `energy` and `forces` as the sgdml package gives them, and `energy_x` and `forces_x`
summed in extended precision, all in the units of the model; positions are in Å.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "tests/data/sgdml"
X = np.longdouble
BOHR = 0.529177210544
RADII = {1: 0.31, 6: 0.76, 7: 0.71, 8: 0.66, 13: 1.21}
SYMBOLS = {1: "H", 6: "C", 7: "N", 8: "O", 13: "Al"}


def lower(n):
    return [(i, j) for i in range(1, n) for j in range(i)]


def vectors(r, lattice):
    """r_i - r_j of all pairs; with a lattice (columns) of the image that rounding chooses."""
    v = np.array([r[i] - r[j] for i, j in lower(len(r))])
    if lattice is not None:
        inverse = np.linalg.inv(np.asarray(lattice, float)).astype(r.dtype)
        v = v - np.rint(v @ inverse.T) @ np.asarray(lattice, r.dtype).T
    return v


def descriptor(r, lattice):
    """Inverse distances, and g = v/|v|^3."""
    v = vectors(r, lattice)
    d = 1 / np.sqrt((v * v).sum(1))
    return d, v * (d**3)[:, None]


def jacobian(g, n):
    """Derivative of the descriptor by the coordinates."""
    j = np.zeros((len(g), 3 * n), g.dtype)
    for k, (a, b) in enumerate(lower(n)):
        j[k, 3 * a : 3 * a + 3] = -g[k]
        j[k, 3 * b : 3 * b + 3] = g[k]
    return j


def pair_permutations(perms):
    n = len(perms[0])
    index = {}
    for k, (i, j) in enumerate(lower(n)):
        index[i, j] = index[j, i] = k
    return [np.array([index[p[i], p[j]] for i, j in lower(n)]) for p in perms]


def morse(z, base, lattice):
    """Energy and forces of the toy: Morse curves with the minimum at the distances of the base geometry."""
    d0, _ = descriptor(base, lattice)
    pairs = lower(len(z))
    # By elements and distance, so that the toy has the symmetry of the base.
    r0 = np.round(1 / d0, 6)
    depth = np.array([4.0 if r < 1.35 * (RADII[z[i]] + RADII[z[j]]) else 0.4 for (i, j), r in zip(pairs, r0)])

    def toy(r):
        v = vectors(r, lattice)
        length = np.sqrt((v * v).sum(1))
        e = np.exp(-1.6 * (length - r0))
        slope = 2 * depth * 1.6 * (1 - e) * e / length
        f = np.zeros_like(r)
        for (i, j), s, u in zip(pairs, slope, v):
            f[i] -= s * u
            f[j] += s * u
        return float((depth * ((1 - e) ** 2 - 1)).sum()), f

    return toy


def train(geometries, toy, perms, sig, lam, lattice, constraints):
    """The coefficients of a model: R_desc, R_d_desc_alpha, alphas_F, alphas_E, std, c (section by section as published)."""
    m, n = len(geometries), len(geometries[0])
    labels = [toy(r) for r in geometries]
    energies = np.array([e for e, _ in labels])
    y = np.concatenate([f.ravel() for _, f in labels])
    if constraints:
        y = np.concatenate([y, -(energies - energies.mean())])
    std = np.sqrt(((y - y.mean()) ** 2).mean())
    x, jac = [], []
    for r in geometries:
        d, g = descriptor(r, lattice)
        x.append(d)
        jac.append(jacobian(g, n))
    w = 3 * n
    size = w * m + (m if constraints else 0)
    K = np.zeros((size, size))
    for j in range(m):
        for p in pair_permutations(perms):
            jq = jac[j][p]
            for i in range(m):
                u = x[i] - x[j][p]
                rho = np.sqrt(5) * np.linalg.norm(u)
                e = np.exp(-rho / sig)
                W = 5 / (3 * sig**4) * e
                B = 5 * W * np.outer(u, u @ jq) - W * (sig**2 + sig * rho) * jq
                K[w * i : w * i + w, w * j : w * j + w] += jac[i].T @ B
                if constraints:
                    row = -5 / (3 * sig**3) * (rho + sig) * e * (u @ jq)
                    K[w * m + i, w * j : w * j + w] += row
                    K[w * m + i, w * m + j] -= (1 + rho / sig + rho**2 / (3 * sig**2)) * e
    if constraints:
        K[: w * m, w * m :] = K[w * m :, : w * m].T
    alphas = -np.linalg.solve(-K + lam * np.eye(size), y / std)
    forces, of_energies = alphas[: w * m], alphas[w * m :]
    weights = np.array([jac[i] @ forces[w * i : w * i + w] for i in range(m)])
    model = dict(R_desc=np.array(x).T, R_d_desc_alpha=weights, alphas_F=forces, std=std, c=0.0)
    if constraints:
        model["alphas_E"] = of_energies
        model["c"] = energies.mean()
    predicted = [predict({**model, "perms": perms, "sig": sig, "lattice": lattice}, r, float)[0] for r in geometries]
    if not constraints:
        model["c"] = (energies - predicted).mean()
    return model


def predict(model, r, kind):
    """Energy and forces, summed in the given kind of number."""
    lattice = model.get("lattice")
    d, g = descriptor(r.astype(kind), lattice)
    s = kind(float(model["sig"]))
    e_sum, f_sum = kind(0), np.zeros_like(d)
    for p in pair_permutations(model["perms"]):
        for m in range(model["R_desc"].shape[1]):
            u = d - model["R_desc"][p, m].astype(kind)
            b = model["R_d_desc_alpha"][m, p].astype(kind)
            rho = np.sqrt(kind(5) * (u * u).sum())
            E = np.exp(-rho / s)
            w = kind(5) / (kind(3) * s**3) * E
            A = (u * b).sum()
            h = w * (rho + s)
            e_sum += A * h
            f_sum += kind(5) / s * A * w * u - h * b
            if "alphas_E" in model:
                a = kind(model["alphas_E"][m])
                f_sum += a * h * u
                e_sum += a * (1 + rho / s + rho**2 / (3 * s**2)) * E
    std = kind(float(model["std"]))
    forces = np.zeros((len(r), 3), kind)
    for k, (i, j) in enumerate(lower(len(r))):
        forces[j] += f_sum[k] * g[k]
        forces[i] -= f_sum[k] * g[k]
    return kind(float(model["c"])) + std * e_sum, std * forces


def package(model, r):
    from sgdml.predict import GDMLPredict

    e, f = GDMLPredict(model, max_processes=1).predict(r.reshape(1, -1))
    return e[0], f.reshape(-1, 3)


def save(path, members, fortran=(), extra=()):
    """Like numpy's `savez_compressed`, with members that are bytes already written as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            value = np.asarray(value)
            buffer = io.BytesIO()
            value = np.asfortranarray(value) if name in fortran else np.ascontiguousarray(value).reshape(value.shape)
            np.lib.format.write_array(buffer, value, version=(1, 0), allow_pickle=True)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)
        for name, text in extra:
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def dataset(path, z, geometries, toy):
    """A data set as the package's own converters write it, with its fingerprint."""
    from sgdml.utils import io as package_io

    labels = [toy(r) for r in geometries]
    members = dict(type="d", code_version="1.0.3", name="ammonia", theory="Morse curves", r_unit="Ang", e_unit="eV", z=np.array(z, "u1"),
                   R=np.array(geometries), E=np.array([e for e, _ in labels]), F=np.array([f for _, f in labels]))
    members["md5"] = np.array(package_io.dataset_md5(members))
    save(path, members)


def rotation(rng):
    q = rng.normal(size=4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])


def make(name, z, base, perms, points, sig, lam, width, *, lattice=None, constraints=False, layout="new", length=1.0, units=("Ang", "eV")):
    """Trains a model and writes its folder. `base` and `lattice` are in Å, `length` is the model's unit in Å."""
    rng = np.random.default_rng(sum(map(ord, name)))
    base = np.array(base)
    own = None if lattice is None else np.array(lattice) / length
    toy = morse(z, base / length, own)
    geometries = [(base + rng.normal(0, width, base.shape)) / length for _ in range(points)]
    trained = train(geometries, toy, perms, sig, lam, own, constraints)
    pairs = pair_permutations(perms)
    lin = np.array(pairs).T + np.arange(len(perms)) * len(pairs[0])
    model = dict(type="m", code_version="1.0.3", dataset_name=name, dataset_theory="Morse curves", z=np.array(z, "u1"))
    model |= trained
    model |= dict(perms=np.array(perms), tril_perms_lin=lin.ravel(), sig=sig, lam=lam, use_E=True, use_E_cstr=constraints,
                  use_sym=len(perms) > 1, solver_name="analytic", r_unit=units[0], e_unit=units[1],
                  idxs_train=np.arange(points), idxs_valid=np.arange(0), md5_train=np.array(b"0" * 32), n_test=2)
    if own is not None:
        model["lattice"] = own
    # Pickled members: nobody needs them, and nobody may unpickle them.
    model["e_err"] = np.array({"mae": 0.5, "rmse": 1.0}, dtype=object)
    model["f_err"] = np.array({"mae": 0.25, "rmse": 0.75}, dtype=object)
    model["md5_test"] = np.array(None, dtype=object)
    fortran = ["R_desc"]
    stored = dict(model)
    if layout == "old":
        # Version 0.2: strings of bytes, no coefficients of the atoms, no units, labels not scaled; and keys of its own.
        for key in ("alphas_F", "lam", "std", "r_unit", "e_unit", "use_E_cstr", "solver_name"):
            del stored[key]
        stored["R_d_desc_alpha"] = model["R_d_desc_alpha"] = model["R_d_desc_alpha"] * model["std"]
        model["std"] = 1.0
        for key in ("type", "code_version", "dataset_name", "dataset_theory"):
            stored[key] = np.array(stored[key].encode())
        stored["z"] = np.array(z, "i8")
        stored["sig"] = float(sig)
        stored["use_cprsn"] = False
        stored["n_inducing_pts_init"] = 25
        fortran = []
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / "model.npz", stored, fortran)

    if name == "ammonia":
        dataset(folder / "dataset.npz", z, geometries[:5], toy)

    def frame(kind):
        r = base + rng.normal(0, width, base.shape)
        if kind == "train":
            r = geometries[0] * length
        if kind == "far":
            r = base + rng.normal(0, 3 * width, base.shape)
        if kind == "permuted":
            r = r[perms[-1]]
        if kind == "rotated":
            r = r @ rotation(rng).T + rng.normal(0, 3, 3)
        if kind == "translated":
            r = r + (np.array(lattice) @ rng.integers(-2, 3, (3, len(z)))).T
        return r

    kinds = ["train", "thermal", "far", "permuted", "translated" if lattice is not None else "rotated"]
    text = []
    for kind in kinds:
        r = frame(kind)
        energy, forces = package(model, r / length)
        x_energy, x_forces = predict(model, r.astype(X) / X(length), X)
        head = f'kind={kind} energy={energy!r:} energy_x={float(x_energy)!r} pbc="{"T T T" if lattice is not None else "F F F"}"'
        head = head.replace("np.float64(", "").replace(")", "")
        if lattice is not None:
            head += ' Lattice="' + " ".join(repr(float(c)) for c in np.array(lattice).T.ravel()) + '"'
        text.append(f"{len(z)}\nProperties=species:S:1:pos:R:3:forces:R:3:forces_x:R:3 {head}\n")
        for row in zip(z, r, forces, x_forces):
            numbers = [repr(float(v)) for part in row[1:] for v in part]
            text.append(f"{SYMBOLS[row[0]]} {' '.join(numbers)}\n")
        print(f"{name:14} {kind:10} E {float(x_energy):12.6f} package: {float(energy - x_energy):8.1e} {float(abs(forces - x_forces).max()):8.1e}"
              f" weights {abs(model['R_d_desc_alpha']).max():.1e} toy {toy(r / length)[0]:12.6f}")
    (folder / "reference.extxyz").write_text("".join(text))


AMMONIA = [[0.0, 0.0, 0.0], [0.94, 0.0, -0.38], [-0.47, 0.81406, -0.38], [-0.47, -0.81406, -0.38]]
FORMALDEHYDE = [[0.0, 0.0, 0.0], [0.0, 0.0, 1.21], [0.0, 0.94, -0.58], [0.0, -0.94, -0.58]]
WATER = [[0.0, 0.0, 0.0], [0.76, 0.0, 0.58], [-0.76, 0.0, 0.58]]
ACETALDEHYDE = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [2.1, 1.05, 0.0], [2.1, -0.95, 0.0], [-0.38, 1.02, 0.0], [-0.38, -0.51, 0.88334], [-0.38, -0.51, -0.88334]]
# Columns; the angle of 60 degrees makes the image that rounding chooses differ from the nearest one for the first two atoms.
CELL = [[4.05, 2.025, 0.0], [0.0, 3.5074, 0.0], [0.0, 0.0, 4.1]]
ALUMINIUM = np.array([[0.0, 0.0, 0.0], [0.4, 0.4, 0.0], [0.7, 0.0, 0.35], [0.0, 0.65, 0.65]]) @ np.array(CELL).T


def main():
    six = [[0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1, 3], [0, 1, 3, 2], [0, 3, 2, 1]]
    two = [[0, 1, 2, 3], [0, 1, 3, 2]]
    make("ammonia", [7, 1, 1, 1], AMMONIA, six, 21, 10, 1e-10, 0.06)
    make("formaldehyde", [6, 8, 1, 1], FORMALDEHYDE, two, 17, 12, 1e-10, 0.06, constraints=True, units=("Ang", "kcal/mol"))
    # Most pairs do not move when the methyl group turns.
    methyl = [[0, 1, 2, 3] + [4 + i for i in p] for p in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [1, 0, 2], [2, 1, 0])]
    make("acetaldehyde", [6, 6, 8, 1, 1, 1, 1], ACETALDEHYDE, methyl, 19, 12, 1e-10, 0.06, constraints=True, units=("Ang", "kcal/mol"))
    make("cell", [13] * 4, ALUMINIUM, [[0, 1, 2, 3]], 24, 8, 1e-10, 0.06, lattice=CELL)
    make("bohr", [8, 1, 1], WATER, [[0, 1, 2], [0, 2, 1]], 5, 6, 1e-12, 0.05, length=BOHR, units=("Bohr", "Hartree"))
    make("old", [8, 1, 1], WATER, [[0, 1, 2], [0, 2, 1]], 11, 10, 1e-15, 0.05, layout="old")


if __name__ == "__main__":
    main()
