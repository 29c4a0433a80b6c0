import numpy as np
import scipy.spatial.distance

from tests.problems import contributor, corners
from tests.reference import jacobian
from valuation.methods.davinz import davinz
from valuation.outputs import true_class
from valuation.problem import contributor_examples

PROBLEM = corners()


def test_davinz_is_brute_force():
    chosen = (1, 2, 4)
    small = PROBLEM._replace(contributors=tuple(PROBLEM.contributors[i] for i in chosen))
    v = PROBLEM.validation.inputs.astype(np.float64)
    inner = scipy.spatial.distance.cdist(v, v, "sqeuclidean")
    width = np.median(inner[np.triu_indices(len(v), 1)])
    mmds, kernels = [], []
    for c in small.contributors:
        examples = contributor_examples(PROBLEM, c)
        k = [np.exp(-scipy.spatial.distance.cdist(a, b, "sqeuclidean") / width).mean()
             for a, b in ((examples.inputs, examples.inputs), (examples.inputs, v))]  # fmt: skip
        mmds.append(np.sqrt(k[0] + np.exp(-inner / width).mean() - 2 * k[1]))
        terms = []
        for params in PROBLEM.initial:
            model = PROBLEM.model._replace(params=params)
            rows = jacobian(model, true_class, examples)
            theta = rows @ rows.T
            theta += 1e-2 * np.trace(theta) / len(theta) * np.eye(len(theta))
            start = np.asarray(model.apply(params, (), examples.inputs), np.float64)
            y = 1 - start[np.arange(len(theta)), examples.targets]
            terms.append(np.sqrt(y @ np.linalg.solve(theta, y) / len(y)))
        kernels.append(np.mean(terms))
    mmds, kernels = np.array(mmds), np.array(kernels)
    expected = -mmds.mean() / kernels.mean() * kernels - mmds
    np.testing.assert_allclose(davinz(small, ridge=1e-2), expected, rtol=1e-3)


def test_davinz_prefers_data_like_the_validation_set():
    near = contributor("near", np.arange(40), PROBLEM.pool)
    pool = PROBLEM.pool._replace(inputs=np.concatenate([PROBLEM.pool.inputs, PROBLEM.pool.inputs[:40] + 3]),
                                 targets=np.concatenate([PROBLEM.pool.targets, PROBLEM.pool.targets[:40]]))  # fmt: skip
    far = contributor("far", np.arange(120, 160), pool)
    values = davinz(PROBLEM._replace(pool=pool, contributors=(near, far)))
    assert values[0] > values[1]
