"""Coefficients of the lessons' models as other programs find them: python reference.py > reference.json, in this folder,
with scikit-learn, statsmodels and pandas. All rows train; features are standardised by their population deviation."""

import json
import sys

import numpy as np
import pandas as pd
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from statsmodels.duration.hazard_regression import PHReg

DATA = "../../../data/"


def standardised(table):
    values = table.to_numpy(float)
    return (values - values.mean(0)) / values.std(0)


def poisson():
    table = pd.read_csv(DATA + "doctor-visits.csv")
    x = standardised(table.drop(columns="visits"))
    fit = sm.GLM(table.visits, sm.add_constant(x), family=sm.families.Poisson()).fit(tol=1e-15, tol_criterion="params", maxiter=200)
    return {"b": fit.params.iloc[0], "w": list(fit.params.iloc[1:])}


def cox():
    table = pd.read_csv(DATA + "recidivism.csv")
    x = standardised(table.drop(columns=["week", "arrest"]))
    fit = PHReg(table.week.to_numpy(float), x, status=table.arrest.to_numpy(float), ties="breslow").fit(method="newton", tol=1e-14)
    return {"beta": list(fit.params)}


def logistic():
    table = pd.read_csv(DATA + "breast-cancer.csv", comment="#")
    x = standardised(table.drop(columns="malignant"))
    fit = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(x, table.malignant)
    return {"w": list(fit.coef_[0]), "b": fit.intercept_[0]}


def softmax():
    table = pd.read_csv(DATA + "digits.csv", comment="#")
    x, y = table.drop(columns="label").to_numpy(float) / 16, table.label.to_numpy()
    fit = LogisticRegression(C=1.0, solver="newton-cg", tol=1e-13, max_iter=10000).fit(x, y)
    scores = x @ fit.coef_.T + fit.intercept_
    top = scores.max(1, keepdims=True)
    loss = (top[:, 0] + np.log(np.exp(scores - top).sum(1)) - scores[np.arange(len(y)), y]).mean()
    return {"mean_loss": loss, "W": list((fit.coef_ - fit.coef_.mean(0)).T.ravel())}


versions = {"scikit-learn": sklearn.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__}
models = {"versions": versions, "poisson": poisson(), "cox": cox(), "logistic": logistic(), "softmax": softmax()}
json.dump(models, sys.stdout, indent=0, default=float)
