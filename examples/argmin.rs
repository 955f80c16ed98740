//! Minimising with argmin: its `Gradient` is a numerical one. Its parameters are a `Vec` here, of which the engine takes a slice or,
//! where the cost is a function of ndarray's arrays, a view.

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2, ArrayView1, array};
use numgrad::difference::Differentiator;

/// Rosenbrock's valley, with its lowest point at (1, 1, …).
struct Valley {
    how: Differentiator,
}

impl CostFunction for Valley {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(x.windows(2).map(|w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2)).sum())
    }
}

impl Gradient for Valley {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    /// The cost may fail, so it is `try_of`.
    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.how.try_of(|x| self.cost(x), x).gradient().map_err(|error| Error::msg(error.to_string()))
    }
}

/// Half of `xᵀ·a·x`, less `b·x`: lowest where `a·x = b`.
struct Bowl {
    how: Differentiator,
    a: Array2<f64>,
    b: Array1<f64>,
}

impl Bowl {
    fn depth(&self, x: &Array1<f64>) -> f64 {
        0.5 * x.dot(&self.a.dot(x)) - self.b.dot(x)
    }
}

impl CostFunction for Bowl {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.depth(&Array1::from(x.clone())))
    }
}

impl Gradient for Bowl {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    /// A view of the parameters is a point whose function is one of arrays. (argmin knows arrays as parameters too, but those of
    /// an older ndarray; slices and vectors are the same to both.)
    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.how.gradient(|x| self.depth(x), &ArrayView1::from(x))?.to_vec())
    }
}

fn main() -> Result<(), Error> {
    let solver = || LBFGS::new(MoreThuenteLineSearch::new(), 7).with_tolerance_grad(1e-6);

    let valley = Valley { how: Differentiator::default() };
    let start = vec![-1.2, 1.0];
    let found = Executor::new(valley, solver()?).configure(|state| state.param(start).max_iters(200)).run()?;
    println!("the valley's lowest point: {:.6?}", found.state().best_param.as_ref().expect("a parameter"));

    let bowl = Bowl { how: Differentiator::default(), a: array![[3.0, 1.0], [1.0, 2.0]], b: array![5.0, 5.0] };
    let found = Executor::new(bowl, solver()?).configure(|state| state.param(vec![0.0; 2]).max_iters(50)).run()?;
    println!("the bowl's lowest point: {:.6?}", found.state().best_param.as_ref().expect("a parameter"));
    Ok(())
}
