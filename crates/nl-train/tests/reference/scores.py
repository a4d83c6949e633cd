"""Reference values of scores, made by scikit-learn and SciPy.

Run in this folder: python scores.py   (needs scikit-learn; the versions are written into scores.json).
Inputs are rounded to single precision, so that both sides begin with the same numbers.
"""
import json
import warnings

import numpy as np
import scipy
import sklearn
from scipy import ndimage, optimize, special, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")
rng = np.random.default_rng(11)


def single(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def numbers(values):
    """Rows as lists; what is no number as null."""
    return [None if np.isnan(v) else float(v) for v in np.asarray(values, dtype=float).ravel()]


# Five classes: class 4 never occurs, class 3 is never decided for.
N, CLASSES = 80, 5
truth = rng.integers(0, 4, N)
logits = rng.normal(0, 1.5, (N, CLASSES))
logits[np.arange(N), truth] += 1.5
logits[:, 3] = logits[:, [0, 1, 2, 4]].max(1) - np.abs(rng.normal(0, 1, N)) - 0.01
logits = single(3.0 * logits)
decided = logits.argmax(1)
assert not (decided == 3).any() and (decided == 4).any()
labels = list(range(CLASSES))

means = {}
for name, zero in [("zero", 0.0), ("one", 1.0), ("leave-out", np.nan)]:
    for average in [None, "macro", "micro", "weighted"]:
        p, r, f, support = metrics.precision_recall_fscore_support(
            truth, decided, labels=labels, average=average, zero_division=zero)
        means.setdefault(name, {})[average or "classes"] = [numbers(p), numbers(r), numbers(f)]
classification = {
    "truth": truth.tolist(),
    "logits": numbers(logits),
    "top_k": [metrics.top_k_accuracy_score(truth, logits, k=k, labels=labels) for k in range(1, CLASSES + 1)],
    "scores": means,
    "support": np.bincount(truth, minlength=CLASSES).tolist(),
}

# Probabilities in single precision, as a network gives them.
p = single(special.softmax(logits, axis=1))
confidence, right = p.max(1), (p.argmax(1) == truth).astype(int)
accuracy_of, confidence_of = calibration_curve(right, confidence, n_bins=15)
bin_of = np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence)
share = np.bincount(bin_of, minlength=15)[np.bincount(bin_of, minlength=15) > 0] / N
calibration = {
    "probabilities": numbers(p),
    "bins": [[float(c), float(a)] for c, a in zip(confidence_of, accuracy_of)],
    "ece": float((share * np.abs(accuracy_of - confidence_of)).sum()),
    "mce": float(np.abs(accuracy_of - confidence_of).max()),
    "brier": metrics.brier_score_loss(truth, p / p.sum(1, keepdims=True), labels=labels, scale_by_half=False),
    "nll": float(-np.log(p[np.arange(N), truth]).mean()),
}


def slope(beta):
    q = special.softmax(beta * logits, axis=1)
    return ((q * logits).sum(1) - logits[np.arange(N), truth]).mean()


beta = optimize.brentq(slope, 1e-3, 1e3, xtol=1e-15, rtol=8.9e-16)
nll = lambda b: metrics.log_loss(truth, special.softmax(b * logits, axis=1), labels=labels)
temperature = {"temperature": 1 / beta, "before": nll(1.0), "after": nll(beta)}

t = rng.normal(3, 2, 41)
guessed = 0.7 * t + rng.normal(1, 1, 41)
plain = {
    "predicted": numbers(guessed),
    "truth": numbers(t),
    "mean_absolute_error": metrics.mean_absolute_error(t, guessed),
    "root_mean_squared_error": metrics.root_mean_squared_error(t, guessed),
    "median_absolute_error": metrics.median_absolute_error(t, guessed),
    "r2": metrics.r2_score(t, guessed),
    "correlation": float(stats.pearsonr(guessed, t)[0]),
}

# Hours of a day, around midnight: 24 is the period.
PERIOD = 24.0
hours = rng.vonmises(0.3, 1.5, 40) * PERIOD / (2 * np.pi) % PERIOD
told = (hours + rng.normal(0.5, 2.0, 40)) % PERIOD
short = lambda d: np.angle(np.exp(2j * np.pi * d / PERIOD)) * PERIOD / (2 * np.pi)
error = short(told - hours)
about = lambda v: v - stats.circmean(v, high=PERIOD, low=0)
a, b = np.sin(2 * np.pi * about(told) / PERIOD), np.sin(2 * np.pi * about(hours) / PERIOD)
circular = {
    "predicted": numbers(told),
    "truth": numbers(hours),
    "mean_absolute_error": float(np.abs(error).mean()),
    "root_mean_squared_error": float(np.sqrt((error**2).mean())),
    "median_absolute_error": float(np.median(np.abs(error))),
    "r2": float(1 - (error**2).sum() / (short(about(hours)) ** 2).sum()),
    "correlation": float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())),
}

sets = rng.random((30, 4)) < [0.6, 0.3, 0.1, 0.0]
said = sets ^ (rng.random((30, 4)) < [0.2, 0.2, 0.1, 0.0])
multi_label = {
    "predicted": said.ravel().astype(int).tolist(),
    "truth": sets.ravel().astype(int).tolist(),
    "subset_accuracy": metrics.accuracy_score(sets, said),
    "hamming_loss": metrics.hamming_loss(sets, said),
    "micro": numbers(metrics.precision_recall_fscore_support(sets, said, average="micro", zero_division=0)[:3]),
    "macro": numbers(metrics.precision_recall_fscore_support(sets, said, average="macro", zero_division=0)[:3]),
    "weighted": numbers(metrics.precision_recall_fscore_support(sets, said, average="weighted", zero_division=0)[:3]),
}

levels = [0.05, 0.5, 0.95]
drawn = rng.normal(0, 1, 50)
predicted = stats.norm.ppf(levels)[None, :] * 0.8 + rng.normal(0, 0.1, (50, 1))
quantiles = {
    "levels": levels,
    "predicted": numbers(predicted),
    "truth": numbers(drawn),
    "coverage": [float((drawn <= predicted[:, k]).mean()) for k in range(3)],
    "pinball": [metrics.mean_pinball_loss(drawn, predicted[:, k], alpha=q) for k, q in enumerate(levels)],
}

HEIGHT, WIDTH = 9, 12
image = single(rng.random((HEIGHT, WIDTH)))
sigmas = [float(np.float32(s) * np.float32(HEIGHT)) for s in [0.025, 0.09]]
blur = {
    "height": HEIGHT,
    "width": WIDTH,
    "image": numbers(image),
    "severities": [2, 5],
    "blurred": [numbers(ndimage.gaussian_filter(image, s, mode="nearest")) for s in sigmas],
}

with open("scores.json", "w") as file:
    json.dump({
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "classification": classification, "calibration": calibration, "temperature": temperature,
        "regression": plain, "circular": circular, "period": PERIOD,
        "multi_label": multi_label, "quantiles": quantiles, "blur": blur,
    }, file, indent=None, separators=(",", ":"))
    file.write("\n")
