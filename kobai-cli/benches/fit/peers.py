"""Runs a peer on a task of the table of fits, once or several times, and prints a line of JSON for each run:
python peers.py TASK FILE ROUNDS. The threads and the processor that OpenBLAS takes are set by its variables."""

import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
task, file, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])


def tell(**found):
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found), flush=True)


def digits():
    import numpy as np
    import pandas as pd

    table = pd.read_csv(file, comment="#")
    labels = table.pop("label").to_numpy()
    return np, table.to_numpy(float) / 16, labels


def make():
    """10^6 rows of 100 normal features, and the class that a linear model with noise gives them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    features, classes, random = 100, 10, np.random.default_rng(1)
    weights = random.normal(size=(features, classes))
    writer = None
    for _ in range(rounds // 100_000):
        x = random.normal(size=(100_000, features))
        y = (x @ weights + 3 * random.gumbel(size=(100_000, classes))).argmax(1)
        table = pa.table({f"x_{i}": x[:, i] for i in range(features)} | {"label": y})
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    writer.close()


def scipy_digits():
    np, x, labels = digits()
    from scipy.optimize import minimize

    rows = len(labels)
    targets = np.eye(10)[labels]

    def loss(parameters):
        scores = x @ parameters[:640].reshape(64, 10) + parameters[640:]
        top = scores.max(1, keepdims=True)
        shares = np.exp(scores - top)
        sums = shares.sum(1, keepdims=True)
        value = (np.log(sums)[:, 0] + top[:, 0] - scores[np.arange(rows), labels]).mean()
        rest = (shares / sums - targets) / rows
        return value, np.concatenate([(x.T @ rest).ravel(), rest.sum(0)])

    for _ in range(rounds):
        begun = time.perf_counter()
        found = minimize(loss, np.zeros(650), jac=True, method="L-BFGS-B", options={"gtol": 1e-5, "ftol": 0, "maxiter": 1000})
        tell(seconds=time.perf_counter() - begun, loss=found.fun, evaluations=found.nfev)


def objective(np, model, x, labels, penalty):
    scores = model.decision_function(x)
    if scores.ndim == 1:
        value = np.logaddexp(0, np.where(labels == 1, -scores, scores)).mean()
    else:
        top = scores.max(1, keepdims=True)
        value = (top[:, 0] + np.log(np.exp(scores - top).sum(1)) - scores[np.arange(len(labels)), labels]).mean()
    return value + penalty * (model.coef_**2).sum() / (2 * len(labels))


def sklearn_fit(np, x, labels, penalty, **settings):
    from sklearn.linear_model import LogisticRegression

    for _ in range(rounds):
        begun = time.perf_counter()
        model = LogisticRegression(C=1 / penalty if penalty else np.inf, max_iter=10000, **settings).fit(x, labels)
        seconds = time.perf_counter() - begun
        tell(seconds=seconds, loss=objective(np, model, x, labels, penalty), evaluations=int(model.n_iter_[0]))


def sklearn_digits():
    np, x, labels = digits()
    # The tolerance at which its loss is the optimum to 1e-9.
    sklearn_fit(np, x, labels, 1.0, solver="lbfgs", tol=1e-7)


def sklearn_cancer():
    import numpy as np
    import pandas as pd

    table = pd.read_csv(file, comment="#")
    labels = table.pop("malignant").to_numpy()
    x = table.to_numpy(float)
    sklearn_fit(np, (x - x.mean(0)) / x.std(0), labels, 1.0, solver="lbfgs", tol=1e-7)


def sklearn_large():
    begun = time.perf_counter()
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    table = pd.read_parquet(file)
    labels = table.pop("label").to_numpy()
    x = table.to_numpy()
    model = LogisticRegression(C=np.inf, max_iter=20, tol=1e-12, solver="lbfgs").fit(x, labels)
    seconds = time.perf_counter() - begun
    tell(seconds=seconds, loss=objective(np, model, x[:100_000], labels[:100_000], 0), evaluations=int(model.n_iter_[0]))


globals()[task.replace("-", "_")]()
