"""Central differences of the network's loss in 420-digit arithmetic where f64 is at its limits: writes differences.csv.

    pip install mpmath==1.4.1
    python differences.py > differences.csv

The weights and inputs are those that `Problem::draw` of tests/incremental.rs makes from the seed 1. Then

    saturated   four units have a b1 of ±800 and ±40: z is 0 or 1 in f64, or 4e-18 from there
    improbable  a b2 of 700 makes the right class's probability 1e-304 in every sample
"""

from mpmath import exp, log, mp, mpf, nstr

# Digits: a loss of 16 moves by 1e-297 of itself where p is 1e-304, and by 1e-348 through a unit at ±800.
mp.dps = 420
N, D, H, K = 3, 3, 9, 4
CLASSES = [1, 2, 3]
MASK = (1 << 64) - 1


def signed(state):
    """SplitMix64 (Steele, Lea and Flood, 2014), uniform in -1..1."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) / 2.0**52 - 1.0


def draw(name):
    """The weights in the order W1, b1, W2, b2, and the inputs; the last sample is the first once more."""
    random = signed(1)
    w = [mpf(next(random)) for _ in range(D * H + H + H * K + K)]
    x = [[mpf(2.0 * next(random)) for _ in range(D)] for _ in range(N)]
    x[-1] = x[0]
    if name == "saturated":
        w[D * H : D * H + 4] = [mpf(b) for b in (800, -800, 40, -40)]
    if name == "improbable":
        w[-K] = mpf(700)
    return w, x


def loss(w, x):
    w1, b1, w2, b2 = w[: D * H], w[D * H : (D + 1) * H], w[(D + 1) * H : -K], w[-K:]
    total = mpf(0)
    for sample, t in zip(x, CLASSES):
        a = [sum(sample[i] * w1[i * H + j] for i in range(D)) + b1[j] for j in range(H)]
        z = [1 / (1 + exp(-v)) for v in a]
        e = [exp(sum(z[j] * w2[j * K + k] for j in range(H)) + b2[k]) for k in range(K)]
        total -= log(e[t] / sum(e) + mpf(1e-7))
    return total / N


print("problem,h,coordinate,difference")
for name in ("saturated", "improbable"):
    w, x = draw(name)
    for text in ("1e-4", "0.5"):
        h = mpf(float(text))
        for i, before in enumerate(w):
            w[i] = before + h
            up = loss(w, x)
            w[i] = before - h
            down = loss(w, x)
            w[i] = before
            print(f"{name},{text},{i},{nstr((up - down) / (2 * h), 20)}")
