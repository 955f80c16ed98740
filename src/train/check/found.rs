//! What a check finds, and the table of it.

use std::fmt;

use super::super::settings::Forward;
use crate::difference::{Agreement, Comparison};

/// A check must be able to see an error of this share of an array's largest derivative; otherwise it can't tell.
pub const RESOLUTION: f64 = 1e-6;

/// What was found of one array of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayCheck {
    /// `W1`, `b1`, `W2`, `b2`, ….
    pub name: String,
    /// The array's shape.
    pub shape: Vec<usize>,
    /// The largest derivative, without its sign.
    pub largest: f64,
    /// The largest `|numerical - analytic|`.
    pub max_absolute_error: f64,
    /// The largest `|numerical - analytic|` as a share of the larger of the two derivatives.
    pub max_relative_error: f64,
    /// The largest truncation error of the numerical gradient that is expected.
    pub truncation: f64,
    /// The largest difference that rounding, of either gradient and of what is expected, may make.
    pub rounding: f64,
    /// The largest difference beyond the expected truncation that passes.
    pub allowed: f64,
    /// Where in the array the derivatives are furthest apart beyond the expected truncation, as a share of what is allowed.
    pub worst_index: Vec<usize>,
    /// The two derivatives at [`worst_index`](Self::worst_index). Its `index` is the place among all parameters.
    pub worst: Comparison,
    /// Whether the two gradients of the array agree: whether every derivative is within what is expected. Undetermined where
    /// they do, but an error of [`RESOLUTION`] would not have been seen, as the step is too large or too small.
    pub agreement: Agreement,
}

/// How a batch's numerical gradient compares with its analytic one. Printed, it is a table.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientCheck {
    /// What was found of W1, b1, W2, b2, …, in this order.
    pub arrays: Vec<ArrayCheck>,
    /// How losses should be evaluated, and at which step, where the step that was asked for can't tell. None where it can, and
    /// where no other can.
    pub advice: Option<(Forward, f64)>,
}

impl GradientCheck {
    /// The first array whose gradients agree, differ, or are undetermined, as asked for.
    pub fn first(&self, agreement: Agreement) -> Option<&ArrayCheck> {
        self.arrays.iter().find(|array| array.agreement == agreement)
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let row = |cells: [&str; 9]| {
            let [name, shape, largest, absolute, relative, truncation, rounding, index, verdict] = cells;
            let left = format!("{name:<5} {shape:>8} {largest:>10} {absolute:>10} {relative:>10} {truncation:>11}");
            format!("{left} {rounding:>10} {index:>11}  {verdict}").trim_end().to_owned()
        };
        let heads = [
            ["", "", "largest", "largest", "error", "expected", "expected", "worst", ""],
            ["array", "shape", "derivative", "abs. error", "relative", "truncation", "rounding", "index", "verdict"],
        ];
        f.write_str(&heads.map(row).join("\n"))?;
        for array in &self.arrays {
            let shape: Vec<_> = array.shape.iter().map(usize::to_string).collect();
            let [largest, absolute, relative, truncation, rounding] =
                [array.largest, array.max_absolute_error, array.max_relative_error, array.truncation, array.rounding]
                    .map(|x| format!("{x:.1e}"));
            let verdict = match array.agreement {
                Agreement::Agrees => "agrees",
                Agreement::Differs => "DIFFERS",
                Agreement::Undetermined => "can't tell",
            };
            let index = format!("{:?}", array.worst_index);
            let shape = shape.join("x");
            write!(
                f,
                "\n{}",
                row([&array.name, &shape, &largest, &absolute, &relative, &truncation, &rounding, &index, verdict])
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_array_with_its_worst_index() {
        let array = |name: &str, shape: &[usize], worst_index: &[usize], agreement| ArrayCheck {
            name: name.to_owned(),
            shape: shape.to_vec(),
            largest: 0.25,
            max_absolute_error: 1e-9,
            max_relative_error: 2.0,
            truncation: 1e-9,
            rounding: 1e-16,
            allowed: 1e-15,
            worst_index: worst_index.to_vec(),
            worst: Comparison {
                row: None,
                index: 0,
                analytic: 0.0,
                numerical: 0.0,
                numerical_error: 0.0,
                converged: true,
                nearby: 0.0,
            },
            agreement,
        };
        let arrays = vec![
            array("W1", &[30, 10], &[12, 3], Agreement::Differs),
            array("b1", &[10], &[9], Agreement::Agrees),
            array("W2", &[1000, 1000], &[999, 999], Agreement::Undetermined),
        ];
        let table = GradientCheck { arrays, advice: None }.to_string();
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert!(rows[0].starts_with("W1       30x10") && rows[0].ends_with("[12, 3]  DIFFERS"), "{table}");
        assert!(rows[1].starts_with("b1          10") && rows[1].ends_with("agrees"), "{table}");
        assert!(rows[2].ends_with("can't tell"), "{table}");
        assert!(rows.len() == 3 && table.lines().all(|line| line.len() <= 100), "{table}");
    }
}
