#!/usr/bin/env python3
"""Makes the small GAP models of tests/data/gap, and the structures they are tested on.

    python tools/synthetic_gap.py tests/data/gap              # models and structures, numpy alone
    python tools/synthetic_gap.py tests/data/gap --reference  # and QUIP's values; needs quippy-ase and ase

The models are made of random numbers from fixed seeds. They describe no material: they exercise the reader and the
formulas on spellings, options and geometries that real files seldom show together. With `--check` in place of
`--reference` the stored values are compared with those of the installed QUIP instead of being written.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

NUMBERS = {"H": 1, "C": 6, "O": 8, "Si": 14, "Xe": 54}


# --- numbers in Fortran's spelling -----------------------------------------------------------------------------------


def fortran(x):
    """A number as gap_fit writes it: no leading zero, an exponent when needed."""
    text = f"{x:.17g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}E{int(exponent):+04d}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def fixed(x):
    """A number as in theta and in inline sparse points: 0.ddddE+eee."""
    if x == 0.0:
        return "0.00000000000000000E+000"
    exponent = int(np.floor(np.log10(abs(x)))) + 1
    return f"{x / 10.0**exponent:.17f}E{exponent:+04d}"


# --- models ----------------------------------------------------------------------------------------------------------


class Coordinate:
    """One gpCoordinates element: descriptor string, kernel, points (rows), weights."""

    def __init__(self, descriptor, points, alpha, delta, kernel, theta=None, zeta=None, cutoffs=None, f0=0.0, permutations=None):
        self.descriptor, self.points, self.alpha = descriptor, np.atleast_2d(points), alpha
        self.delta, self.kernel, self.theta, self.zeta, self.f0 = delta, kernel, theta, zeta, f0
        self.cutoffs = np.ones(len(alpha)) if cutoffs is None else cutoffs
        dimensions = self.points.shape[1]
        self.permutations = permutations or [range(1, 2 if kernel == 2 else dimensions + 1)]


def pair(rng, descriptor, n, low, high, delta, theta, size, f0=0.0):
    """A distance_2b coordinate with points over a range and weights of either sign."""
    points = rng.permutation(np.linspace(low, high, n))[:, None]
    cutoffs = np.where(points[:, 0] > high - 0.3, rng.uniform(0.1, 0.9, n), 1.0)
    return Coordinate(descriptor, points, size * rng.normal(size=n), delta, 1, theta=[theta], cutoffs=cutoffs, f0=f0)


def soap(rng, descriptor, species, n_max, l_max, n, delta, zeta, size, zeta_in_theta=False):
    """A soap coordinate with random non-negative points of length 1; the last element is covariance_sigma0 = 0."""
    channels = species * n_max
    d = channels * (channels + 1) // 2 * (l_max + 1)
    points = np.abs(rng.normal(size=(n, d))) * np.exp(-3.0 * rng.uniform(size=(n, d)))
    points /= np.linalg.norm(points, axis=1)[:, None]
    points = np.hstack([points, np.zeros((n, 1))])
    theta = [zeta] if zeta_in_theta else None
    return Coordinate(descriptor, points, size * rng.normal(size=n), delta, 2, theta, None if zeta_in_theta else zeta)


def triangle(rng, descriptor, n, high, delta, theta, size, permutations=None, angle=False, kernel=1, f0=0.0):
    """A coordinate on three atoms with points that are triangles: two sides from a centre below `high`, and the third side."""
    a, b = rng.uniform(1.4, high, (2, n))
    c = np.sqrt(a * a + b * b - 2 * a * b * rng.uniform(-1.0, 0.8, n))
    points = np.column_stack([a + b, (a - b) ** 2, c] if angle else [a, b, c])
    cutoffs = np.where(rng.uniform(size=n) < 0.3, rng.uniform(0.1, 0.9, n), 1.0)
    return Coordinate(descriptor, points, size * rng.normal(size=n), delta, kernel, theta, cutoffs=cutoffs, f0=f0, permutations=permutations)


def kept(alpha_max, l_max):
    """Length of the power spectrum of soap_turbo, and of the part that compress_mode=trivial keeps."""
    n = sum(alpha_max)
    first = {sum(alpha_max[:k]) for k in range(len(alpha_max))}
    pairs = [(a, b) for a in range(n) for b in range(a, n)]
    return len(pairs) * (l_max + 1), sum(a in first or b in first for a, b in pairs) * (l_max + 1)


def turbo(rng, descriptor, d, n, delta, zeta, size):
    """A soap_turbo coordinate with random points of length 1."""
    points = np.abs(rng.normal(size=(n, d))) * np.exp(-3.0 * rng.uniform(size=(n, d)))
    points /= np.linalg.norm(points, axis=1)[:, None]
    return Coordinate(descriptor, points, size * rng.normal(size=n), delta, 2, None, zeta)


def coordinate_xml(folder, label, name, c, separate, old):
    n, d = c.points.shape
    attributes = [
        ("label", label),
        ("dimensions", d),
        ("signal_variance", fortran(c.delta)),
        ("signal_mean", fortran(c.f0) if c.f0 else ".00000000000000000E+000"),
        ("sparsified", "T"),
        ("n_permutations", len(c.permutations)),
        ("covariance_type", c.kernel),
    ]
    if c.zeta is not None:
        attributes.append(("zeta", fortran(c.zeta)))
    attributes.append(("n_sparseX", n))
    if separate:
        file = f"{name}.sparseX.{label}"
        body = "".join(f"{x:.20e}\n" for x in c.points.ravel())
        (folder / file).write_text(body)
        attributes.append(("sparseX_filename", file))
        if not old:
            attributes.append(("sparseX_md5sum", hashlib.md5(body.encode()).hexdigest()))
    if old:
        attributes.reverse()
    lines = ["    <gpCoordinates " + " ".join(f'{k}="{v}"' for k, v in attributes) + ">"]
    if c.theta is not None:
        lines.append("      <theta> " + " ".join(" " + fixed(t) for t in c.theta) + " </theta>")
    lines.append(f"      <descriptor>{c.descriptor}</descriptor>")
    for k, permutation in enumerate(c.permutations):
        lines.append(f'      <permutation i="{k + 1}">{" ".join(map(str, permutation))}  </permutation>')
    for k in range(n):
        head = f'      <sparseX i="{k + 1}" alpha="{fortran(c.alpha[k])}" sparseCutoff="{fortran(c.cutoffs[k])}"'
        if separate:
            lines.append(head + "/>")
        elif d <= 20:
            lines.append(head + "> " + " ".join(fixed(x) for x in c.points[k]) + "  </sparseX>")
        else:
            lines.append(head + ' sliced="T">')
            for start in range(0, d, 50):
                part = c.points[k, start : start + 50]
                text = " ".join(fixed(x) for x in part)
                lines.append(f'        <sparseX_slice start="{start + 1}" end="{start + len(part)}">  {text}  </sparseX_slice>')
            lines.append("      </sparseX>")
    lines.append("    </gpCoordinates>")
    return lines


def write_model(folder, name, label, version, e0, coordinates, separate, glue=None, old=False):
    """Writes an XML file; `e0` is a number (old files, all elements alike) or a dictionary by symbol."""
    folder.mkdir(parents=True, exist_ok=True)
    init = f"IP GAP label={label}"
    if glue:
        init = f"Sum init_args_pot1={{IP Glue}} init_args_pot2={{{init}}}"
    lines = [f"<{label}>", f'<Potential label="{label}" init_args="{init}"/>']
    if glue:
        lines += glue
    lines.append(f'<GAP_params label="{label}" gap_version="{version}">')
    core = "T" if glue else "F"
    if isinstance(e0, dict):
        lines.append(f'  <GAP_data do_core="{core}">')
        by_number = {NUMBERS[s]: v for s, v in e0.items()}
        lines += [f'    <e0 Z="{z}" value="{fortran(by_number.get(z, 0.0))}"/>' for z in range(1, 19)]
        lines.append("  </GAP_data>")
    else:
        lines.append(f'  <GAP_data do_core="{core}" e0="{fortran(e0)}"/>')
    fitted = "" if old else ' fitted="T"'
    lines.append(f'  <gpSparse label="{label}" n_coordinate="{len(coordinates)}"{fitted}>')
    for k, c in enumerate(coordinates):
        lines += coordinate_xml(folder, f"{label}{k + 1}", name, c, separate, old)
    lines += ["  </gpSparse>", "  <command_line><![CDATA[ synthetic ]]></command_line>", "</GAP_params>", f"</{label}>", ""]
    (folder / name).write_text("\n".join(lines))


def table(tag, columns, points, attributes=""):
    a, b = columns
    lines = [f'    <{tag} num_points="{len(points)}"{attributes}>']
    lines += [f'      <point {a}="{x!r}" {b}="{y!r}"/>' for x, y in points]
    return lines + [f"    </{tag}>"]


def glue_tables():
    """Two types: a cubic density with natural embedding, a spline density with clamped embedding."""
    r = [round(0.8 + 0.3 * k, 1) for k in range(10)]
    lines = ['<Glue_params n_types="2">', '  <per_type_data atomic_num="14" type="1">', "    <!-- Si -->"]
    lines += table("density", ("a", "rho"), [(x, round(0.4 * (3.5 - x) ** 2, 6)) for x in r], ' density_y1="-1.0" density_yn="0.0"')
    # The last knot lies beyond every density of the structures: what QUIP does there is linear.
    rho = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    lines += table("potential_density", ("rho", "E"), [(x, round(-0.8 * x**0.5, 6)) for x in rho])
    lines += ["  </per_type_data>", '  <per_type_data atomic_num="6" type="2">']
    slopes = ' do_spline="T" density_y1="-2.0" density_yn="0.0"'
    lines += table("density", ("a", "rho"), [(x, round(0.3 * (3.5 - x) ** 2, 6)) for x in r], slopes)
    lines += table("potential_density", ("rho", "E"), [(x, round(-0.5 * x**0.5, 6)) for x in rho], ' y1="-0.9" yn="-0.05"')
    lines.append("  </per_type_data>")
    for i, j, size, slopes in [(1, 1, 6.0, ' y1="-9.0" yn="0.0"'), (1, 2, 4.0, ""), (2, 2, 3.0, ' y1="1.0e31" yn="0.0"')]:
        lines.append(f'  <per_pair_data type1="{i}" type2="{j}">')
        points = [(round(1.0 + 0.25 * k, 2), round(size * (1.0 - 0.1 * k) ** 4, 6)) for k in range(9)] + [(3.3, 0.0)]
        lines += table("potential_pair", ("r", "E"), points, slopes)
        lines.append("  </per_pair_data>")
    return lines + ["</Glue_params>"]


def models(root):
    """All models: folder name -> (file, species of the structures, what it is for)."""
    made = {}

    rng = np.random.default_rng(1)
    text = "distance_2b cutoff=4.5 cutoff_transition_width=1.0 n_sparse=10 covariance_type=ard_se delta=0.8 theta_uniform=0.7 Z1=14 Z2=14"
    c = [pair(rng, text, 10, 1.5, 4.4, 0.8, 0.7, 3.0)]
    write_model(root / "pair", "pair.xml", "GAP_pair", 1596837814, {"Si": -0.8}, c, separate=False)
    made["pair"] = ("pair.xml", ["Si"], "one `distance_2b`, sparse points in the XML file")

    rng = np.random.default_rng(2)
    c = []
    for z1, z2, low, extra in [(8, 8, 2.0, ""), (8, 1, 0.8, " tail_exponent=2 tail_range=0.8"), (1, 1, 1.2, " cutoff_transition_width=0.9")]:
        text = f"distance_2b cutoff=4.0 covariance_type=ard_se delta=0.5 theta_uniform=1.0 n_sparse=9    Z1={z1} Z2={z2}{extra}"
        c.append(pair(rng, text, 9, low, 3.9, 0.5, 1.0, 1000.0 if z1 != z2 else 4.0, f0=0.1 if z1 == 1 else 0.0))
    text = "distance_2b cutoff=3.6 n_exponents=2 exponents={-1 -3} covariance_type=ard_se delta=0.3"
    r = np.linspace(0.9, 3.5, 6)
    c.append(Coordinate(text, np.stack([1 / r, r**-3.0], axis=1), rng.normal(size=6), 0.3, 1, theta=[0.4, 0.6]))
    write_model(root / "pairs", "pairs.xml", "GAP_pairs", 1686220958, {"H": 3.21, "O": 4.6}, c, separate=True)
    made["pairs"] = ("pairs.xml", ["O", "H"], "four `distance_2b` (a tail, powers of the distance, f0, any element), separate sparse files, large weights")

    rng = np.random.default_rng(3)
    text = " soap l_max=4 n_max=4 atom_sigma=0.5 cutoff=4.0 cutoff_transition_width=0.5 delta=0.6 zeta=4 n_species=1 Z=14 species_Z={14 }"
    c = [soap(rng, text, 1, 4, 4, 12, 0.6, 4.0, 100.0)]
    write_model(root / "soap", "soap.xml", "GAP_soap", 1769700636, {"Si": -1.1}, c, separate=True)
    made["soap"] = ("soap.xml", ["Si"], "one `soap`, one element, separate sparse file")

    rng = np.random.default_rng(4)
    text = "soap l_max=3 n_max=3 atom_sigma=0.45 cutoff=3.8 cutoff_transition_width=0.7 central_weight={w} {more} n_species=2 species_z={{6 14}} Z={z} n_species=2 species_Z={{14 6 }}"
    c = [
        soap(rng, text.format(w=0.7, z=14, more="delta=1.0"), 2, 3, 3, 7, 1.0, 2.0, 10.0),
        soap(rng, text.format(w=0.3, z=6, more="cutoff_dexp=2 cutoff_scale=2.5 cutoff_rate=0.8"), 2, 3, 3, 7, 0.9, 2.5, 20.0),
    ]
    write_model(root / "soap_species", "soap_species.xml", "GAP_soap_species", 1769700636, {"Si": -5.0, "C": -3.0}, c, separate=False)
    made["soap_species"] = ("soap_species.xml", ["Si", "C"], "two `soap`, two elements, other zeta, central weights and radial weights, sliced points in the XML file, keys given twice")

    rng = np.random.default_rng(5)
    text = "soap l_max=3 n_max=4 atom_sigma=0.5 zeta=3 cutoff=4.0 cutoff_transition_width=0.5 central_weight=0.2 n_sparseX=8 n_species=2 species_Z={6 14} sparse_method=kmeans"
    c = [
        soap(rng, text, 2, 4, 3, 8, 1.0, 3.0, 20.0, zeta_in_theta=True),
        pair(rng, "distance_2b cutoff=4.0 delta=0.5 Z1=0 Z2=14", 6, 1.5, 3.8, 0.5, 0.8, 1.0),
    ]
    write_model(root / "old", "old.xml", "GAP_old", 1420000000, -2.5, c, separate=True, old=True)
    made["old"] = ("old.xml", ["Si", "C"], "a file as before 2015: e0 for all elements in an attribute, zeta in `<theta>`, no `fitted`, soap vectors without 1/sqrt(2l+1), the centre in every channel; one descriptor takes any element")

    rng = np.random.default_rng(6)
    c = [
        pair(rng, "distance_2b cutoff=3.5 delta=0.5 Z1=14 Z2=6", 6, 1.5, 3.3, 0.5, 0.8, 1.0),
        soap(rng, "soap l_max=2 n_max=3 atom_sigma=0.6 cutoff=3.6 cutoff_transition_width=0.6 n_species=1 Z=6 species_Z=14 delta=0.4 zeta=2", 1, 3, 2, 6, 0.4, 2.0, 30.0),
    ]
    write_model(root / "glue", "glue.xml", "GAP_glue", 1423607965, {"Si": -1.5, "C": -0.5}, c, separate=False, glue=glue_tables())
    made["glue"] = ("glue.xml", ["Si", "C"], "a `Sum` of `IP Glue` and a GAP: cubic and spline densities, natural and clamped tables, distances and densities beyond their ends; a `soap` whose centre is not the element of its channel")

    rng = np.random.default_rng(7)
    c = [
        triangle(rng, "angle_3b Z_center=14 Z1=6 Z2=14 cutoff=3.6 cutoff_transition_width=0.8 covariance_type=ard_se delta=0.3", 9, 3.5, 0.3, [1.0, 0.5, 0.7], 20.0, angle=True, f0=0.1),
        triangle(rng, "angle_3b cutoff=3.2 n_sparse=7 covariance_type=pp delta=0.4 theta_uniform=2.0               Z=6 Z1=14 Z2=14", 7, 3.1, 0.4, [2.0, 2.0, 2.0], 5.0, angle=True, kernel=4),
        triangle(rng, "angle_3b Z_center=6 Z1=0 Z2=6 cutoff=3.0 covariance_type=ard_se delta=0.2", 6, 2.9, 0.2, [0.6, 0.1, 1.5], 10.0, angle=True),
        triangle(rng, "angle_3b cutoff=2.8 covariance_type=pp delta=0.2", 5, 2.7, 0.2, [1.5, 0.7, 3.0], 5.0, angle=True, kernel=4, f0=0.2),
        pair(rng, "distance_2b cutoff=3.5 delta=0.5 Z1=14 Z2=6", 6, 1.5, 3.3, 0.5, 0.8, 1.0),
    ]
    write_model(root / "angles", "angles.xml", "GAP_angles", 1686220958, {"Si": -2.0, "C": -1.0}, c, separate=True)
    made["angles"] = ("angles.xml", ["Si", "C"], "four `angle_3b`: Gaussian and polynomial kernels, f0, narrow and wide lengths, any element as centre and as neighbour")

    all6 = ["1 2 3", "2 1 3", "1 3 2", "3 1 2", "2 3 1", "3 2 1"]
    all6 = [[int(x) for x in p.split()] for p in all6]
    last2, first2 = [all6[0], all6[1]], [all6[0], all6[2]]
    rng = np.random.default_rng(8)
    twice = [[1], [1]]
    c = [
        pair(rng, "distance_Nb order=2 cutoff=4.0 covariance_type=ard_se delta=1.0 compact_clusters=T Z={14 14 }", 8, 1.5, 3.9, 1.0, 1.5, 5.0),
        pair(rng, "distance_Nb order=2 cutoff=4.0 cutoff_transition_width=0.8 delta=1.0 Z={6 14 }", 8, 1.5, 3.9, 1.0, 1.5, 5.0, f0=0.2),
        triangle(rng, "distance_Nb order=3 cutoff=3.3 covariance_type=ard_se delta=0.3 Z={14 14 14 }", 8, 3.2, 0.3, [2.0] * 3, 40.0, all6),
        triangle(rng, "distance_Nb order=3 cutoff=3.5 cutoff_transition_width=0.7 delta=0.3 compact_clusters=T Z={6 14 14 }", 8, 3.4, 0.3, [0.9, 0.9, 1.3], 30.0, last2, f0=0.3),
        triangle(rng, "distance_Nb order=3 cutoff=3.5 covariance_type=ard_se delta=0.3 compact_clusters=T Z={6 6 14 }", 8, 3.4, 0.3, [1.2, 0.7, 0.9], 30.0, first2),
        triangle(rng, "distance_Nb order=3 cutoff=3.0 covariance_type=pp delta=0.5 Z={6 6 6 }", 8, 2.9, 0.5, [1.8] * 3, 10.0, all6, kernel=4, f0=0.1),
        triangle(rng, "distance_Nb order=3 cutoff=2.8 covariance_type=ard_se delta=0.2", 6, 2.7, 0.2, [0.7, 0.8, 1.0], 10.0, all6),
    ]
    c[0].permutations = twice
    write_model(root / "clusters", "clusters.xml", "GAP_clusters", 1596837814, {"Si": -2.0, "C": -1.0}, c, separate=True)
    made["clusters"] = ("clusters.xml", ["Si", "C"], "seven compact `distance_Nb` of two and three atoms: triplets of mixed elements, whose energy depends on the order of the atoms, lengths that differ by dimension, Gaussian and polynomial kernels with permutations, f0, any elements")

    rng = np.random.default_rng(9)
    c = [
        pair(rng, "distance_Nb order=2 cutoff=4.0 covariance_type=ard_se delta=1.0 Z={14 14 }", 8, 1.5, 3.9, 1.0, 1.5, 5.0),
        pair(rng, "distance_Nb order=2 cutoff=4.0 covariance_type=pp delta=1.0 Z={14 6 }", 8, 1.5, 3.9, 1.0, 1.5, 5.0, f0=0.2),
        triangle(rng, "distance_Nb order=3 cutoff=3.3 covariance_type=ard_se delta=0.3 Z={14 14 14 }", 8, 3.2, 0.3, [1.0] * 3, 20.0, all6),
        triangle(rng, "distance_Nb order=3 cutoff=3.1 cutoff_transition_width=0.9 delta=0.3 compact_clusters=F Z={6 14 14 }", 8, 3.0, 0.3, [0.9, 0.9, 1.3], 20.0, last2, f0=0.3),
        triangle(rng, "distance_Nb order=3 cutoff=3.3 covariance_type=pp delta=0.3 Z={6 6 14 }", 8, 3.2, 0.3, [1.6, 1.7, 2.1], 20.0, first2, kernel=4),
        triangle(rng, "distance_Nb order=3 cutoff=2.6 covariance_type=ard_se delta=0.2", 6, 2.5, 0.2, [0.8] * 3, 10.0, all6),
    ]
    c[0].permutations = twice
    write_model(root / "chains", "chains.xml", "GAP_chains", 1596837813, {"Si": -2.0, "C": -1.0}, c, separate=False)
    made["chains"] = ("chains.xml", ["Si", "C"], "six `distance_Nb` of a version whose clusters are not compact unless said so: any two or three atoms that distances within the cutoff connect")

    rng = np.random.default_rng(7)
    text = (
        "soap_turbo l_max=4 alpha_max={{4 3}} atom_sigma_r={{0.3 0.4}} atom_sigma_t={{0.35 0.45}} atom_sigma_r_scaling={{0.1 0.05}} "
        "atom_sigma_t_scaling={{0.1 0.08}} zeta=4 rcut_hard=3.8 rcut_soft=3.3 basis=poly3gauss scaling_mode=polynomial add_species=F "
        "amplitude_scaling={{2.0 1.0}} n_species=2 species_Z={{6 14}} central_index={k} radial_enhancement={e} compress_mode=trivial "
        "central_weight={{1.0 0.8}} n_sparse=9 delta=0.5 f0=0.0 covariance_type=dot_product sparse_method=cur_points"
    )
    d = kept([4, 3], 4)[1]
    c = [turbo(rng, text.format(k=k, e=e), d, 5, 0.5, 4.0, 10.0) for k, e in [(1, 1), (2, 2)]]
    c.append(pair(rng, "distance_2b cutoff=3.6 delta=0.5 Z1=6 Z2=14", 6, 1.5, 3.4, 0.5, 0.8, 1.0))
    write_model(root / "turbo", "turbo.xml", "GAP_turbo", 1686220958, {"Si": -1.2, "C": -0.7}, c, separate=True)
    made["turbo"] = ("turbo.xml", ["Si", "C"], "two `soap_turbo` of two elements with different widths, poly3gauss, trivial compression, radial enhancement 1 and 2; a `distance_2b`")

    rng = np.random.default_rng(8)
    c = [turbo(
        rng,
        "soap_turbo l_max=8 n_max=4 atom_sigma=0.5 cutoff=4.0 cutoff_transition_width=0.7 n_species=1 species_Z=14 nf=3.0 central_weight=0.4",
        kept([4], 8)[0], 5, 0.7, 2.5, 5.0,
    )]
    write_model(root / "turbo_poly3", "turbo_poly3.xml", "GAP_turbo_poly3", 1769700636, {"Si": -1.1}, c, separate=True)
    made["turbo_poly3"] = ("turbo_poly3.xml", ["Si"], "one `soap_turbo`, poly3, whole power spectrum, general and missing keys, a central weight that QUIP does not look at")

    # QUIP makes the radial functions anew only when alpha_max changes: coordinates of one model must not share it unless all else is the same.
    rng = np.random.default_rng(9)
    base = (
        "soap_turbo l_max=3 alpha_max={{{n}}} atom_sigma_r={{0.4 0.5}} atom_sigma_t={{0.5 0.4}} atom_sigma_r_scaling={{0.0 0.1}} atom_sigma_t_scaling={{0.05 0.0}} "
        "rcut_hard=3.7 rcut_soft=3.0 n_species=2 species_Z={{14 6 }} central_index={k} {more}"
    )
    folder = root / "turbo_tables"
    folder.mkdir(parents=True, exist_ok=True)
    keep = np.sort(rng.permutation(kept([3, 2], 3)[0])[:23]) + 1
    (folder / "turbo_keep.dat").write_text(f"3 2 3 {len(keep)}\n" + "".join(f"{k}\n" for k in keep))
    full = kept([2, 2], 3)[0]
    rows = [(i, j, rng.normal()) for i in range(1, 16) for j in np.sort(rng.permutation(full)[:4]) + 1]
    body = "".join(f"{i} {j} {v:.16e}\n" for i, j, v in rows)
    (folder / "turbo_map.dat").write_text(f"2 2 3 15\nP_transformation\n{body}end_transformation\n")
    c = [
        turbo(rng, base.format(n="3 2", k=1, more="basis=poly3 amplitude_scaling={0.0 1.0} central_weight={0.0 0.3} compress_file=turbo_keep.dat"), 23, 5, 0.6, 3.0, 5.0),
        turbo(rng, base.format(n="2 2", k=2, more="basis=poly3gauss radial_enhancement=2 amplitude_scaling={0.7 1.5} central_weight={1.0 0.6} compress_file=turbo_map.dat"), 15, 5, 0.6, 2.0, 5.0),
        soap(rng, "soap l_max=2 n_max=3 atom_sigma=0.6 cutoff=3.5 n_species=1 Z=6 species_Z=14 delta=0.4 zeta=2", 1, 3, 2, 4, 0.4, 2.0, 30.0),
    ]
    write_model(folder, "turbo_tables.xml", "GAP_turbo_tables", 1686220958, {"Si": -2.0, "C": -1.0}, c, separate=False)
    made["turbo_tables"] = ("turbo_tables.xml", ["Si", "C"], "two `soap_turbo` with tables of compression, indices and a transformation; amplitude scalings 0, 0.7, 1 and 1.5; a `soap`")
    return made


# --- structures ------------------------------------------------------------------------------------------------------


def spread(rng, cell, pbc, n, least):
    """Random positions that keep a distance from each other and from all images."""
    shifts = [np.array([a, b, c]) for a in range(-2, 3) for b in range(-2, 3) for c in range(-2, 3)]
    shifts = [s @ cell for s in shifts if all(p or k == 0 for p, k in zip(pbc, s))]
    positions = []
    while len(positions) < n:
        x = rng.uniform(size=3) @ cell
        if all(np.linalg.norm(x + t - y) > least for t in shifts for y in positions):
            positions.append(x)
    return np.array(positions)


def structures(seed, species, numbered=False):
    """Frames (name, symbols, positions, cell or None, pbc) of every kind of periodicity and shape."""
    rng = np.random.default_rng(100 + seed)
    pick = lambda n: [species[int(k)] for k in rng.integers(len(species), size=n)]
    least = 0.95 if "H" in species else 1.5
    frames = []

    def add(name, symbols, cell, pbc):
        cell = np.array(cell, dtype=float)
        frames.append((name, symbols, spread(rng, cell, pbc, len(symbols), least), cell, pbc))

    all3, none = (True, True, True), (False, False, False)
    add("tiny_cell", [species[0]], [[2.6, 0.0, 0.0], [0.2, 2.7, 0.0], [0.1, -0.3, 2.5]], all3)
    add("tiny_two", [species[0], species[-1]], np.diag([3.4, 3.1, 3.6]), all3)
    add("tilted", pick(4), [[4.5, 0.0, 0.0], [3.9, 4.2, 0.0], [-2.9, 3.3, 4.1]], all3)
    add("box", pick(6), np.diag([5.2, 5.6, 5.9]), all3)
    add("slab", pick(4), [[4.0, 0.0, 0.0], [0.9, 4.4, 0.0], [0.0, 0.0, 16.0]], (True, True, False))
    add("wire", pick(3), np.diag([15.0, 14.0, 3.3]), (False, False, True))
    name, symbols, x, cell, pbc = frames.pop()
    frames.append((name, symbols, np.column_stack([x[:, 0] * 0.2, x[:, 1] * 0.2, x[:, 2]]), cell, pbc))
    frames[-1] = (name, symbols, np.array([[5.0, 5.0, 0.2], [6.3, 5.1, 1.4], [5.2, 6.6, 2.5]]) + rng.uniform(-0.1, 0.1, (3, 3)), cell, pbc)
    add("cluster", pick(6), np.diag([4.4, 4.4, 4.4]), none)
    add("dimer", [species[0], species[-1]], np.diag([2.2, 2.2, 2.2]), none)
    for s in species:
        frames.append((f"isolated_{s}", [s], np.zeros((1, 3)), None, none))
    # Outside the cell: positions are not wrapped.
    name, symbols, x, cell, pbc = frames[1]
    frames.append(("unwrapped", symbols, x + np.array([[-3, 2, 0], [5, 0, -4]]) @ cell, cell, pbc))
    # An element no descriptor names: QUIP gives it e0 and passes it over otherwise.
    frames.append(("foreign", [species[0], "Xe", species[-1]], np.array([[0.0, 0.0, 0.0], [0.3, 1.9, 0.2], [1.9, 0.4, -0.7]]), None, none))
    if numbered:
        # The values of these models depend on how atoms are numbered, and on which image a neighbour is: other numbers, and
        # every atom moved by lattice vectors of its own.
        for k in (2, 3):
            name, symbols, x, cell, pbc = frames[k]
            order = rng.permutation(len(symbols))
            frames.append((f"{name}_renumbered", [symbols[i] for i in order], x[order], cell, pbc))
            away = x + rng.integers(-3, 4, (len(symbols), 3)) @ cell
            frames.append((f"{name}_unwrapped", symbols, away, cell, pbc))
    return [(n, s, x, None if p == none else c, p) for n, s, x, c, p in frames]


def quip_values(model, frames):
    """Energy, forces, site energies and virial (-V times stress) of each frame."""
    import os

    from ase import Atoms
    from quippy.potential import Potential

    here = os.getcwd()
    os.chdir(model.parent)  # QUIP looks for sparse files in the working directory.
    try:
        potential = Potential("", param_filename=model.name)
        values = []
        for _, symbols, positions, cell, pbc in frames:
            # QUIP wants a cell for clusters, too; its size does not matter.
            atoms = Atoms(symbols, positions, cell=np.diag([60.0] * 3) if cell is None else cell, pbc=pbc)
            potential.calculate(atoms, ["energy", "forces", "virial", "local_energy"])
            extra = potential.extra_results
            values.append(
                (potential.results["energy"], potential.results["forces"], extra["atoms"]["local_energy"], extra["config"]["virial"])
            )
        return values
    finally:
        os.chdir(here)


def quip_variances(model, frames):
    """QUIP's `local_gap_variance` of each frame for two regularisations (their squares are 1e-6 and 1e-10 eV²).

    QUIP leaves f0² out of K(x, x), though not out of K(x_s, x), and stops at the negative variances that follow: so the
    values are those of the model without f0.
    """
    import os
    import re

    from ase import Atoms
    from quippy.potential import Potential

    here = os.getcwd()
    os.chdir(model.parent)
    try:
        values = []
        plain = model.with_name("without_f0.xml")
        plain.write_text(re.sub(r'signal_mean="[^"]*"', 'signal_mean="0.0"', model.read_text()))
        for sigma in (1e-3, 1e-5):
            potential = Potential("", param_filename=plain.name, calc_args=f"local_gap_variance gap_variance_regularisation={sigma}")
            for name, symbols, positions, cell, pbc in frames:
                atoms = Atoms(symbols, positions, cell=np.diag([60.0] * 3) if cell is None else cell, pbc=pbc)
                potential.calculate(atoms, ["energy"])
                values.append((name, sigma, potential.extra_results["atoms"]["local_gap_variance"]))
        plain.unlink()
        return values
    finally:
        os.chdir(here)


def write_variances(path, values):
    with open(path, "w") as out:
        out.write("# frame, gap_variance_regularisation (eV), local_gap_variance of each atom (eV²)\n")
        for name, sigma, v in values:
            out.write(f"{name} {sigma!r} " + " ".join(repr(float(x)) for x in v) + "\n")


def write_frames(path, frames, values):
    with open(path, "w") as out:
        for (name, symbols, positions, cell, pbc), (energy, forces, local, virial) in zip(frames, values):
            join = lambda v: " ".join(repr(float(x)) for x in np.ravel(v))
            lattice = "" if cell is None else f'Lattice="{join(cell)}" '
            flags = " ".join("T" if p else "F" for p in pbc)
            out.write(f"{len(symbols)}\n{lattice}Properties=species:S:1:pos:R:3:forces:R:3:local_energy:R:1 ")
            out.write(f'energy={float(energy)!r} virial="{join(virial)}" name={name} pbc="{flags}"\n')
            for s, x, f, e in zip(symbols, positions, forces, local):
                out.write(f"{s} {join(x)} {join(f)} {float(e)!r}\n")


def stored_energies(path):
    return [float(line.split("energy=")[1].split()[0]) for line in path.read_text().splitlines() if "energy=" in line]


# Models whose predictive variance is tested, too.
VARIANCES = ("pair", "pairs", "soap", "soap_species", "old", "glue", "angles", "chains", "clusters", "turbo")

README = """# {name}

{purpose}.

Random numbers from a fixed seed, made by `tools/synthetic_gap.py`; it describes no material. `reference.extxyz` holds
structures from a fixed seed with the values of QUIP (quippy-ase 0.10.3), as the same script writes them with
`--reference`: energy and site energies (eV), forces (eV/Å), virial (eV, minus volume times stress). Frames without a
lattice are clusters. `variance.txt`, where there is one, holds QUIP's predictive variances (eV²) of the same frames. Licence: that of the package.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", action="store_true", help="write reference.extxyz with QUIP's values (needs quippy)")
    parser.add_argument("--check", action="store_true", help="compare the stored energies with the installed QUIP")
    arguments = parser.parse_args()
    worst = 0.0
    for seed, (name, (file, species, purpose)) in enumerate(models(arguments.folder).items()):
        folder = arguments.folder / name
        (folder / "README.md").write_text(README.format(name=name, purpose=purpose[0].upper() + purpose[1:]))
        if arguments.reference or arguments.check:
            frames = structures(seed, species, numbered=name in ("angles", "clusters", "chains"))
            values = quip_values(folder / file, frames)
            assert all(np.all(np.isfinite(x)) for v in values for x in v), f"{name}: QUIP gives no number"
            if arguments.reference:
                write_frames(folder / "reference.extxyz", frames, values)
                if name in VARIANCES:
                    write_variances(folder / "variance.txt", quip_variances(folder / file, frames))
            for old, new, frame in zip(stored_energies(folder / "reference.extxyz"), values, frames):
                worst = max(worst, abs(old - new[0]))
                print(f"{name:14} {frame[0]:12} {new[0]:20.12f} eV, largest force {np.abs(new[1]).max():9.3f} eV/Å")
    if worst > 1e-9:
        sys.exit(f"QUIP's energies differ from the stored ones by {worst:.1e} eV")


if __name__ == "__main__":
    main()
