"""Derivatives of a function that nobody has differentiated: a damped pendulum's position after a while."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

import numgrad_rs as ng

Floats = NDArray[np.float64]


def positions(parameters: Floats) -> Floats:
    """Where the pendulum is at 20 moments, by its damping, frequency and first angle."""
    damping, frequency, angle = parameters
    seen, velocity = [], 0.0
    for step in range(2000):
        velocity += 1e-3 * (-(frequency**2) * np.sin(angle) - damping * velocity)
        angle += 1e-3 * velocity
        if step % 100 == 0:
            seen.append(angle)
    return np.array(seen)


def main() -> None:
    truth = np.array([0.5, 3.0, 0.8])
    measured = positions(truth)
    print(ng.jacobian(positions, truth)[-1])

    def residuals(parameters: Floats) -> Floats:
        return positions(parameters) - measured

    found = least_squares(residuals, [0.1, 2.5, 0.5], jac=ng.differentiate(residuals))
    print(found.x, found.nfev, "evaluations")
    last = ng.estimate(lambda parameters: positions(parameters)[-1], truth)
    print(last.value, "off by at most", last.error)
    assert np.allclose(found.x, truth) and last.converged.all()


if __name__ == "__main__":
    main()
