"""Coefficients of src/math: interpolation at Chebyshev nodes in 60 digits, rounded once at the end.

Run in this folder: python elementary.py   (needs mpmath and numpy). Prints each polynomial, lowest power first, with the
largest relative error of the unrounded polynomial on its interval, and writes erf.in.
"""
import numpy as np
from mpmath import cos, erf, erfc, exp, linspace, log, lu_solve, matrix, mp, mpf, pi, polyval, sqrt, tanh

mp.dps = 60


def fit(name, f, low, high, degree, kind):
    """Polynomial of `degree` through f at the Chebyshev nodes of [low, high]."""
    low, high, n = mpf(low), mpf(high), degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    system = matrix(n, n)
    for i, x in enumerate(nodes):
        for j in range(n):
            system[i, j] = x**j
    c = list(lu_solve(system, matrix([f(x) for x in nodes])))
    error = max(abs(polyval(c[::-1], x) / f(x) - 1) for x in linspace(low, high, 801))
    digits = [str(np.float32(float(v))) if kind == "f32" else repr(float(v)) for v in c]
    print(f"// {name} on [{mp.nstr(low, 5)}, {mp.nstr(high, 5)}]: {mp.nstr(error, 2)}")
    print(f"[{', '.join(digits)}]")


def away_from_zero(f, at_zero):
    """f, with its limit where the formula is 0/0."""
    return lambda x: at_zero if abs(x) < mpf(10) ** -25 else f(x)


half_ln2 = log(2) / 2 + mpf("1e-4")
fit("exp f32: (e^r - 1 - r) / r^2", away_from_zero(lambda r: (exp(r) - 1 - r) / r**2, mpf(1) / 2), -half_ln2, half_ln2, 4, "f32")
fit("ln f32: (ln(1 + f) - f + f^2/2) / f^3", away_from_zero(lambda f: (log(1 + f) - f + f**2 / 2) / f**3, mpf(1) / 3),
    sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, 8, "f32")
fit("tanh f32: (tanh x - x) / x^3 in x^2", lambda s: (tanh(sqrt(s)) - sqrt(s)) / sqrt(s) ** 3, mpf("1e-9"), mpf("0.625") ** 2, 4, "f32")
# ln(1 + z) = 2 s (1 + s^2 p(s^2)), s = z / (2 + z)
fit("log1p f32: (ln((1+s)/(1-s)) / (2 s) - 1) / s^2 in s^2",
    lambda q: (log((1 + sqrt(q)) / (1 - sqrt(q))) / (2 * sqrt(q)) - 1) / q, mpf("1e-9"), mpf(1) / 9, 5, "f32")
# erf x = x + x p(x^2)
fit("erf f32: erf(x)/x - 1 in x^2", lambda s: erf(sqrt(s)) / sqrt(s) - 1, mpf("1e-12"), mpf("0.8"), 6, "f32")
fit("erf f64: erf(x)/x - 1 in x^2", lambda s: erf(sqrt(s)) / sqrt(s) - 1, mpf("1e-20"), mpf("0.8"), 13, "f64")


def scaled_erfc(k):
    """e^(a^2) erfc(a) (a + k) as a function of t = (a - k) / (a + k)."""

    def f(t):
        a = k * (1 + t) / (1 - t)
        return exp(a * a) * erfc(a) * (a + k)

    return f


for kind, k, top, degree in [("f32", 2, "10.2", 10), ("f64", 4, "27.3", 24)]:
    top = mpf(top)
    fit(f"erfc {kind}: e^(a^2) erfc(a) (a + {k}) in (a - {k}) / (a + {k})", scaled_erfc(mpf(k)), -1, (top - k) / (top + k), degree, kind)

# Reference values for the tests of src/math/double.rs: (x, erf x, normal distribution function of x).
points = [float(x) for x in np.concatenate([np.arange(-37, 9, 0.53125), [1e-300, 1e-8, 0.1, 0.5, 0.874, 0.876, 1.0, 2.0, 5.9]])]
rows = [(x, float(erf(mpf(x))), float(erfc(-mpf(x) / sqrt(mpf(2))) / 2)) for x in points]
with open("erf.in", "w") as out:
    out.write("[\n" + "".join(f"    ({x!r}, {e!r}, {c!r}),\n" for x, e, c in rows) + "]\n")
