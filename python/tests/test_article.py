"""The article's training gives the article's losses, which NumPy has computed."""

import golden
import numpy as np
import pytest

import numgrad_rs

# Of the article's script only what it imports is changed: this class, and `load_mnist` of numgrad_rs.
from numgrad_rs.article import TwoLayerNet


def train(net, x_train, t_train, n_iterations, batch_size=100, **how):
    """The article's loop: the loss after each update, on that iteration's batch."""
    losses = []
    for _ in range(n_iterations):
        batch_mask = np.random.choice(len(x_train), batch_size)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = net.numerical_gradient(x_batch, t_batch, **how)
        for key in net.params:
            net.params[key] -= 0.1 * grad[key]
        losses.append(net.loss(x_batch, t_batch))
    return np.array(losses)


@pytest.mark.parametrize("how", [{}, {"threads": 1}, {"threads": 3}])
def test_the_article_on_mnist(mnist, how):
    (x_train, t_train), (x_test, t_test) = mnist
    np.random.seed(42)
    net = TwoLayerNet(input_size=784, hidden_size=50, output_size=10, **how)
    np.testing.assert_array_equal(net.params["W2"], golden.array("article", "init_W2"))
    losses = train(net, x_train, t_train, 100)
    np.testing.assert_allclose(losses, golden.losses("article"), rtol=0, atol=1e-9)
    assert f"{net.accuracy(x_train, t_train):.2%} {net.accuracy(x_test, t_test):.2%}" == "11.24% 11.35%"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("one_hot", [False, True])
def test_the_articles_loop_on_the_embedded_digits(digits, dtype, one_hot):
    (x_train, t_train), _ = digits
    net = TwoLayerNet(784, 50, 10)
    if one_hot:
        t_train = np.eye(10)[t_train]
    losses = train(net, x_train.astype(dtype), t_train, 3)
    np.testing.assert_allclose(losses, golden.losses("subset"), rtol=0, atol=1e-9)


def test_the_first_gradient_on_the_embedded_digits(digits):
    (x_train, t_train), _ = digits
    net = TwoLayerNet(784, 50, 10)
    chosen = np.random.choice(6000, 100)
    np.testing.assert_array_equal(chosen, golden.array("subset", "batch_0"))
    found = net.numerical_gradient(x_train[chosen], t_train[chosen])
    backprop = net.gradient(x_train[chosen], t_train[chosen])
    for name, row, column, value in golden.gradient("subset"):
        index = int(column) if name.startswith("b") else (int(row), int(column))
        # NumPy's differences are off by up to 6e-12 by cancellation.
        assert abs(found[name][index] - float(value)) < 1e-11, (name, index)
        assert abs(backprop[name][index] - float(value)) < 1e-9, (name, index)


@pytest.mark.parametrize("run", ["deep-relu", "deep-sigmoid", "deep-tanh"])
def test_deeper_networks(digits, run):
    (x_train, t_train), _ = digits
    activation = run.removeprefix("deep-")
    sizes = [784, 12, 10, 8, 10] if activation == "tanh" else [784, 20, 15, 10]
    np.random.seed(7 if activation == "tanh" else 42)
    net = numgrad_rs.Network(sizes, activation, "he" if activation == "relu" else "xavier")
    np.testing.assert_array_equal(net.params["W3"], golden.array(run, "init_W3"))
    losses = train(net, x_train, t_train, 4, batch_size=20)
    np.testing.assert_allclose(losses, golden.losses(run), rtol=0, atol=1e-9)


def test_whole_forward_passes_are_the_same_difference(digits):
    (x_train, t_train), _ = digits
    net = TwoLayerNet(784, 5, 10)
    x, t = x_train[:20], t_train[:20]
    for h in [1e-4, 0.5]:
        full, incremental = (net.numerical_gradient(x, t, h, forward) for forward in ["full", "incremental"])
        for name in net.params:
            # What lies between them is cancellation in whole losses of 2.3, 1e-15 / h, and some roundings.
            np.testing.assert_allclose(full[name], incremental[name], rtol=0, atol=4e-15 / h + 1e-15)


def test_the_books_weights_are_drawn_as_the_book_draws_them():
    net = numgrad_rs.TwoLayerNet(30, 20, 10)
    np.random.seed(42)
    np.testing.assert_array_equal(net.params["W1"], 0.01 * np.random.randn(30, 20))
    np.testing.assert_array_equal(net.params["W2"], 0.01 * np.random.randn(20, 10))
    assert not net.params["b1"].any() and net.params["b2"].shape == (10,)
