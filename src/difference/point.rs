//! What a function is differentiated at: slices, vectors and arrays, seen as a row of numbers in standard order.

use std::borrow::Cow;

use ndarray::{Array, Array1, ArrayBase, ArrayRef, Data, DataMut, Dimension};

use super::function::Numbers;

/// A point that functions are differentiated at.
///
/// | point | the function sees | the gradient is | a function of many values returns |
/// | --- | --- | --- | --- |
/// | `[f64]` | `&[f64]` | `Vec<f64>` | `Vec<f64>` |
/// | `Vec<f64>` | `&Vec<f64>` | `Vec<f64>` | `Vec<f64>` |
/// | `[f64; N]` | `&[f64; N]` | `[f64; N]` | `Vec<f64>` |
/// | arrays of ndarray, views and references of them | `&Array<f64, D>` | `Array<f64, D>` | `Array1<f64>` |
///
/// The elements are the function's *coordinates*, numbered in standard (row-major) order. The trait is sealed: it names
/// these types and no others.
///
/// ```
/// use ndarray::array;
/// use numgrad::gradient;
///
/// assert!((gradient(|[a, b]| a * b, &[3.0, 4.0])?[0] - 4.0).abs() < 1e-9);
/// assert!((gradient(|x| x.iter().product(), &vec![3.0, 4.0])?[0] - 4.0).abs() < 1e-9);
/// assert!((gradient(|x| x[[0, 0]] * x.sum(), &array![[3.0, 4.0]].view())?[[0, 1]] - 3.0).abs() < 1e-9);
///
/// fn norm(x: &[f64]) -> f64 {
///     x.iter().map(|x| x * x).sum::<f64>().sqrt()
/// }
/// let x = vec![3.0, 4.0];
/// assert!((gradient(norm, &x[..])?[0] - 0.6).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub trait Point: Shaped + Sync + sealed::Sealed {
    /// What a function is given.
    type Seen: ?Sized;
    /// One value for each coordinate, in the point's own form: `Out<f64>` is a gradient.
    type Out<T>;
    /// What a function of many values returns, and what is made of such values.
    type Values: Numbers + FromIterator<f64>;

    /// The coordinates in standard order.
    #[doc(hidden)]
    fn in_order(&self) -> Cow<'_, [f64]>;

    /// One value for each coordinate, in standard order, in the point's own form.
    #[doc(hidden)]
    fn form<T>(&self, values: Vec<T>) -> Self::Out<T>;

    /// Whether a copy of the point needs memory from the heap.
    #[doc(hidden)]
    const NEEDS_BUFFER: bool = true;

    /// A copy of the point, which has these coordinates, in the memory of a buffer if it needs any.
    #[doc(hidden)]
    fn copy(&self, in_order: &[f64], buffer: Vec<f64>) -> Self::Out<f64>;

    /// The memory of a copy.
    #[doc(hidden)]
    fn into_buffer(copy: Self::Out<f64>) -> Vec<f64>;

    /// What a function is given of a point that a worker owns.
    #[doc(hidden)]
    fn seen(owned: &Self::Out<f64>) -> &Self::Seen;

    /// The coordinates of a point that [`form`](Self::form) made, in standard order.
    #[doc(hidden)]
    fn coordinates(owned: &mut Self::Out<f64>) -> &mut [f64];
}

/// Where the numbers of a derivative are written: the mutable ones of the types that can be a [`Point`].
///
/// ```
/// use ndarray::Array2;
/// use numgrad::difference::Differentiator;
///
/// let mut gradients = Array2::zeros((2, 3));
/// let (central, x) = (Differentiator::default(), [1.0, 2.0, 3.0]);
/// central.of(|[a, b, c]| a * b * c, &x).gradient_into(&mut gradients.row_mut(1))?;
/// assert!((gradients[[1, 2]] - 2.0).abs() < 1e-8);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub trait Target: Shaped + sealed::Sealed {
    /// Lets `fill` write the numbers in standard order, whatever the layout.
    #[doc(hidden)]
    fn fill_by<R>(&mut self, fill: impl FnOnce(&mut [f64]) -> R) -> R;
}

/// What has a shape: a point or where a derivative is written.
pub trait Shaped {
    /// The lengths of the axes.
    #[doc(hidden)]
    fn with_shape<R>(&self, see: impl FnOnce(&[usize]) -> R) -> R;
}

mod sealed {
    pub trait Sealed {}
}

/// # Panics
/// If the shapes differ.
pub(super) fn check_shapes(x: &(impl Shaped + ?Sized), other: &(impl Shaped + ?Sized), what: &str) {
    x.with_shape(|expected| {
        other.with_shape(|found| assert!(found == expected, "{what} of {found:?} for a point of {expected:?}"));
    });
}

/// Slices and vectors are points alike: their gradients are vectors.
macro_rules! point_of_any_length {
    ($sequence:ty) => {
        impl sealed::Sealed for $sequence {}

        impl Shaped for $sequence {
            fn with_shape<R>(&self, see: impl FnOnce(&[usize]) -> R) -> R {
                see(&[self.len()])
            }
        }

        impl Point for $sequence {
            type Seen = $sequence;
            type Out<T> = Vec<T>;
            type Values = Vec<f64>;

            fn in_order(&self) -> Cow<'_, [f64]> {
                Cow::Borrowed(self)
            }

            fn form<T>(&self, values: Vec<T>) -> Vec<T> {
                values
            }

            fn copy(&self, in_order: &[f64], mut buffer: Vec<f64>) -> Vec<f64> {
                buffer.clear();
                buffer.extend_from_slice(in_order);
                buffer
            }

            fn into_buffer(copy: Vec<f64>) -> Vec<f64> {
                copy
            }

            fn seen(owned: &Vec<f64>) -> &$sequence {
                owned
            }

            fn coordinates(owned: &mut Vec<f64>) -> &mut [f64] {
                owned
            }
        }

        impl Target for $sequence {
            fn fill_by<R>(&mut self, fill: impl FnOnce(&mut [f64]) -> R) -> R {
                fill(self)
            }
        }
    };
}
point_of_any_length!([f64]);
point_of_any_length!(Vec<f64>);

impl<const N: usize> sealed::Sealed for [f64; N] {}

impl<const N: usize> Shaped for [f64; N] {
    fn with_shape<R>(&self, see: impl FnOnce(&[usize]) -> R) -> R {
        see(&[N])
    }
}

impl<const N: usize> Point for [f64; N] {
    type Seen = [f64; N];
    type Out<T> = [T; N];
    type Values = Vec<f64>;

    fn in_order(&self) -> Cow<'_, [f64]> {
        Cow::Borrowed(self)
    }

    fn form<T>(&self, values: Vec<T>) -> [T; N] {
        values.try_into().unwrap_or_else(|values: Vec<T>| panic!("{} values for {N} coordinates", values.len()))
    }

    const NEEDS_BUFFER: bool = false;

    fn copy(&self, _: &[f64], _: Vec<f64>) -> [f64; N] {
        *self
    }

    fn into_buffer(_: [f64; N]) -> Vec<f64> {
        Vec::new()
    }

    fn seen(owned: &[f64; N]) -> &[f64; N] {
        owned
    }

    fn coordinates(owned: &mut [f64; N]) -> &mut [f64] {
        owned
    }
}

impl<const N: usize> Target for [f64; N] {
    fn fill_by<R>(&mut self, fill: impl FnOnce(&mut [f64]) -> R) -> R {
        fill(self)
    }
}

impl<D: Dimension> sealed::Sealed for ArrayRef<f64, D> {}

impl<D: Dimension> Shaped for ArrayRef<f64, D> {
    fn with_shape<R>(&self, see: impl FnOnce(&[usize]) -> R) -> R {
        see(self.shape())
    }
}

impl<D: Dimension> Point for ArrayRef<f64, D> {
    type Seen = Array<f64, D>;
    type Out<T> = Array<T, D>;
    type Values = Array1<f64>;

    fn in_order(&self) -> Cow<'_, [f64]> {
        match self.as_slice() {
            Some(in_order) => Cow::Borrowed(in_order),
            None => Cow::Owned(self.iter().copied().collect()),
        }
    }

    fn form<T>(&self, values: Vec<T>) -> Array<T, D> {
        Array::from_shape_vec(self.raw_dim(), values).expect("one value for each coordinate")
    }

    fn copy(&self, in_order: &[f64], mut buffer: Vec<f64>) -> Array<f64, D> {
        buffer.clear();
        buffer.extend_from_slice(in_order);
        self.form(buffer)
    }

    fn into_buffer(copy: Array<f64, D>) -> Vec<f64> {
        copy.into_raw_vec_and_offset().0
    }

    fn seen(owned: &Array<f64, D>) -> &Array<f64, D> {
        owned
    }

    fn coordinates(owned: &mut Array<f64, D>) -> &mut [f64] {
        owned.as_slice_mut().expect("an array in standard layout")
    }
}

impl<D: Dimension> Target for ArrayRef<f64, D> {
    fn fill_by<R>(&mut self, fill: impl FnOnce(&mut [f64]) -> R) -> R {
        if let Some(in_order) = self.as_slice_mut() {
            return fill(in_order);
        }
        let mut copy: Vec<f64> = self.iter().copied().collect();
        let filled = fill(&mut copy);
        self.iter_mut().zip(copy).for_each(|(slot, value)| *slot = value);
        filled
    }
}

impl<S: Data<Elem = f64>, D: Dimension> sealed::Sealed for ArrayBase<S, D> {}

impl<S: Data<Elem = f64>, D: Dimension> Shaped for ArrayBase<S, D> {
    fn with_shape<R>(&self, see: impl FnOnce(&[usize]) -> R) -> R {
        see(self.shape())
    }
}

impl<S: Data<Elem = f64> + Sync, D: Dimension> Point for ArrayBase<S, D> {
    type Seen = Array<f64, D>;
    type Out<T> = Array<T, D>;
    type Values = Array1<f64>;

    fn in_order(&self) -> Cow<'_, [f64]> {
        ArrayRef::in_order(self)
    }

    fn form<T>(&self, values: Vec<T>) -> Array<T, D> {
        ArrayRef::form(self, values)
    }

    fn copy(&self, in_order: &[f64], buffer: Vec<f64>) -> Array<f64, D> {
        ArrayRef::copy(self, in_order, buffer)
    }

    fn into_buffer(copy: Array<f64, D>) -> Vec<f64> {
        ArrayRef::into_buffer(copy)
    }

    fn seen(owned: &Array<f64, D>) -> &Array<f64, D> {
        owned
    }

    fn coordinates(owned: &mut Array<f64, D>) -> &mut [f64] {
        ArrayRef::coordinates(owned)
    }
}

impl<S: DataMut<Elem = f64>, D: Dimension> Target for ArrayBase<S, D> {
    fn fill_by<R>(&mut self, fill: impl FnOnce(&mut [f64]) -> R) -> R {
        ArrayRef::fill_by(self, fill)
    }
}
