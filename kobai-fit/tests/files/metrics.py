"""Writes metrics.json, the reference values of kobai-fit/tests/metrics.rs, with scikit-learn 1.9.1:

    python metrics.py > metrics.json
"""

import json

import numpy as np
import sklearn
from sklearn import metrics as m

random = np.random.default_rng(5)


def four_classes():
    y = random.integers(0, 4, 60)
    p = random.integers(1, 9, (60, 4)) + 4.0 * np.eye(4)[y]  # small integers, so that largest entries tie
    p = p / p.sum(1, keepdims=True)
    c, options = p.argmax(1), {"average": None, "zero_division": 0}
    return {
        "labels": y.tolist(), "probabilities": p.tolist(),
        "accuracy": m.accuracy_score(y, c), "log_loss": m.log_loss(y, p),
        "confusion": m.confusion_matrix(y, c).tolist(), "precision": m.precision_score(y, c, **options).tolist(),
        "recall": m.recall_score(y, c, **options).tolist(), "f1": m.f1_score(y, c, **options).tolist(),
    }


def two_classes():
    y = random.integers(0, 2, 80)
    p = 0.5 + 0.25 * (2 * y - 1) * random.random(80) + 0.2 * random.standard_normal(80)
    p = np.clip(np.round(p, 2), 0.01, 0.99)  # two decimals, so that scores tie
    return {
        "labels": y.tolist(), "probabilities": p.tolist(), "accuracy": m.accuracy_score(y, (p >= 0.5).astype(int)),
        "log_loss": m.log_loss(y, p), "area_under_curve": m.roc_auc_score(y, p),
    }


def numbers(t, p):
    return {
        "observed": t.tolist(), "predicted": p.tolist(), "r_squared": m.r2_score(t, p),
        "root_mean_squared_error": m.root_mean_squared_error(t, p),
        "mean_absolute_error": m.mean_absolute_error(t, p),
    }


def counts():
    mean = np.exp(random.normal(1, 0.8, 70))
    t, p = random.poisson(mean).astype(float), mean * np.exp(random.normal(0, 0.6, 70))
    return {
        "observed": t.tolist(), "predicted": p.tolist(), "mean_deviance": m.mean_poisson_deviance(t, p),
        "deviance_explained": m.d2_tweedie_score(t, p, power=1),
    }


values = {"made_with": "scikit-learn " + sklearn.__version__, "four_classes": four_classes(), "two_classes": two_classes()}
t = random.normal(3, 2, 50)
values["numbers"] = numbers(t, t + random.normal(0, 0.7, 50))
t = 1e8 + random.integers(-500, 500, 50) / 64  # exact in binary
values["large_mean"] = numbers(t, t + random.integers(-90, 90, 50) / 64)
values["counts"] = counts()
lines = [f' "{name}": ' + (json.dumps(v) if isinstance(v, str) else
         "{\n" + ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in v.items()) + "\n }") for name, v in values.items()]
print("{\n" + ",\n".join(lines) + "\n}")
