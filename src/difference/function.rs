//! The adapters: every kind of function that a user may bring, as a worker calls it.
//!
//! Two questions are answered apart from each other. A [`Form`] says what a call looks like: whether the function returns its
//! values or writes them, and whether it can fail. A [`Source`] says where a worker has its function from: all share one
//! ([`Shared`]), the only worker changes it ([`Exclusive`]), or each worker gets its own ([`EachWorker`]).

use std::cell::{RefCell, RefMut};
use std::convert::Infallible;
use std::marker::PhantomData;

use ndarray::Array1;

use super::error::{Error, TryError};

/// Where the workers have a function of `X` from. Made by [`Differentiator::of`](super::Differentiator::of) and its like.
pub trait Source<X: ?Sized> {
    /// What the function itself fails with.
    #[doc(hidden)]
    type Error: Send;
    /// The error of a derivative: [`Error`], or [`TryError`] where the function can fail.
    type Failure: From<TryError<Self::Error>> + From<Error>;
    #[doc(hidden)]
    type Worker<'s>: Evaluate<X, Error = Self::Error>
    where
        Self: 's;
    /// What other threads need to make themselves a function.
    #[doc(hidden)]
    type Common: Sync;

    /// The function of the calling thread.
    #[doc(hidden)]
    fn own(&self) -> Self::Worker<'_>;

    /// What others make theirs of; `None` where there can be one worker only.
    #[doc(hidden)]
    fn common(&self) -> Option<&Self::Common>;

    #[doc(hidden)]
    fn make<'s>(common: &'s Self::Common) -> Self::Worker<'s>
    where
        Self: 's;
}

/// A function as a worker calls it.
pub trait Evaluate<X: ?Sized> {
    type Error;

    /// Writes the values at `x`. One that returns its values may change how many there are.
    fn evaluate(&mut self, x: &X, values: &mut Vec<f64>) -> Result<(), Self::Error>;

    /// The only value at `x`.
    fn value(&mut self, x: &X) -> Result<f64, Self::Error> {
        let mut values = Vec::new();
        self.evaluate(x, &mut values)?;
        Ok(values[0])
    }
}

/// What a call of a function looks like.
pub trait Form {
    type Error: Send;
    type Failure: From<TryError<Self::Error>> + From<Error>;
}

/// `F(&X) -> R`.
pub struct Returning<R>(PhantomData<fn() -> R>);

/// `F(&X, &mut [f64]) -> R`.
pub struct Writing<R>(PhantomData<fn() -> R>);

impl<R: Returned> Form for Returning<R> {
    type Error = R::Error;
    type Failure = R::Failure;
}

impl<R: Written> Form for Writing<R> {
    type Error = R::Error;
    type Failure = R::Failure;
}

/// A function in the form in which it is called.
pub struct InForm<F, C>(F, PhantomData<C>);

impl<X: ?Sized, F: FnMut(&X) -> R, R: Returned> Evaluate<X> for InForm<F, Returning<R>> {
    type Error = R::Error;

    fn evaluate(&mut self, x: &X, values: &mut Vec<f64>) -> Result<(), R::Error> {
        self.0(x).put(values)
    }

    #[inline]
    fn value(&mut self, x: &X) -> Result<f64, R::Error> {
        self.0(x).only()
    }
}

impl<X: ?Sized, F: FnMut(&X, &mut [f64]) -> R, R: Written> Evaluate<X> for InForm<F, Writing<R>> {
    type Error = R::Error;

    fn evaluate(&mut self, x: &X, values: &mut Vec<f64>) -> Result<(), R::Error> {
        self.0(x, values).into_result()
    }
}

/// The values of a function: one or many.
pub trait Numbers: Sized {
    fn put(self, values: &mut Vec<f64>);

    /// The only one.
    fn only(self) -> f64 {
        let mut values = Vec::new();
        self.put(&mut values);
        values[0]
    }
}

impl Numbers for f64 {
    fn put(self, values: &mut Vec<f64>) {
        values.clear();
        values.push(self);
    }

    fn only(self) -> f64 {
        self
    }
}

impl Numbers for Vec<f64> {
    fn put(self, values: &mut Vec<f64>) {
        *values = self;
    }
}

impl Numbers for Array1<f64> {
    fn put(self, values: &mut Vec<f64>) {
        values.clear();
        values.extend(self);
    }
}

/// What a function returns: its values, or its values or an error.
pub trait Returned {
    type Error: Send;
    type Failure: From<TryError<Self::Error>> + From<Error>;

    fn put(self, values: &mut Vec<f64>) -> Result<(), Self::Error>;

    /// The only value.
    fn only(self) -> Result<f64, Self::Error>;
}

impl<N: Numbers> Returned for N {
    type Error = Infallible;
    type Failure = Error;

    fn put(self, values: &mut Vec<f64>) -> Result<(), Infallible> {
        Numbers::put(self, values);
        Ok(())
    }

    fn only(self) -> Result<f64, Infallible> {
        Ok(Numbers::only(self))
    }
}

impl<N: Numbers, E: Send> Returned for Result<N, E> {
    type Error = E;
    type Failure = TryError<E>;

    fn put(self, values: &mut Vec<f64>) -> Result<(), E> {
        self.map(|numbers| numbers.put(values))
    }

    fn only(self) -> Result<f64, E> {
        self.map(Numbers::only)
    }
}

/// What a function that writes its values returns: nothing, or whether it has failed.
pub trait Written {
    #[doc(hidden)]
    type Error: Send;
    #[doc(hidden)]
    type Failure: From<TryError<Self::Error>> + From<Error>;

    #[doc(hidden)]
    fn into_result(self) -> Result<(), Self::Error>;
}

impl Written for () {
    type Error = Infallible;
    type Failure = Error;

    fn into_result(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<E: Send> Written for Result<(), E> {
    type Error = E;
    type Failure = TryError<E>;

    fn into_result(self) -> Self {
        self
    }
}

/// One function that all workers share.
pub struct Shared<F, C>(F, PhantomData<C>);

/// One function that changes its own state: the calling thread's alone.
pub struct Exclusive<F, C>(RefCell<F>, PhantomData<C>);

/// What makes a function for each worker.
pub struct EachWorker<M, C>(M, PhantomData<C>);

impl<F, C> Shared<F, C> {
    pub(super) fn new(f: F) -> Self {
        Self(f, PhantomData)
    }
}

impl<F, C> Exclusive<F, C> {
    pub(super) fn new(f: F) -> Self {
        Self(RefCell::new(f), PhantomData)
    }
}

impl<M, C> EachWorker<M, C> {
    pub(super) fn new(make: M) -> Self {
        Self(make, PhantomData)
    }
}

impl<X: ?Sized, F: Sync, C: Form> Source<X> for Shared<F, C>
where
    for<'f> InForm<&'f F, C>: Evaluate<X, Error = C::Error>,
{
    type Error = C::Error;
    type Failure = C::Failure;
    type Worker<'s>
        = InForm<&'s F, C>
    where
        Self: 's;
    type Common = F;

    fn own(&self) -> InForm<&F, C> {
        InForm(&self.0, PhantomData)
    }

    fn common(&self) -> Option<&F> {
        Some(&self.0)
    }

    fn make<'s>(f: &'s F) -> InForm<&'s F, C>
    where
        Self: 's,
    {
        InForm(f, PhantomData)
    }
}

/// The borrowed function of [`Exclusive`].
pub struct Borrowed<'f, F, C>(RefMut<'f, F>, PhantomData<C>);

impl<X: ?Sized, F, C: Form> Evaluate<X> for Borrowed<'_, F, C>
where
    for<'f> InForm<&'f mut F, C>: Evaluate<X, Error = C::Error>,
{
    type Error = C::Error;

    fn evaluate(&mut self, x: &X, values: &mut Vec<f64>) -> Result<(), C::Error> {
        InForm::<_, C>(&mut *self.0, PhantomData).evaluate(x, values)
    }

    #[inline]
    fn value(&mut self, x: &X) -> Result<f64, C::Error> {
        InForm::<_, C>(&mut *self.0, PhantomData).value(x)
    }
}

impl<X: ?Sized, F, C: Form> Source<X> for Exclusive<F, C>
where
    for<'f> InForm<&'f mut F, C>: Evaluate<X, Error = C::Error>,
{
    type Error = C::Error;
    type Failure = C::Failure;
    type Worker<'s>
        = Borrowed<'s, F, C>
    where
        Self: 's;
    type Common = Infallible;

    fn own(&self) -> Borrowed<'_, F, C> {
        Borrowed(self.0.borrow_mut(), PhantomData)
    }

    fn common(&self) -> Option<&Infallible> {
        None
    }

    fn make<'s>(never: &'s Infallible) -> Borrowed<'s, F, C>
    where
        Self: 's,
    {
        match *never {}
    }
}

impl<X: ?Sized, M: Fn() -> F + Sync, F, C: Form> Source<X> for EachWorker<M, C>
where
    InForm<F, C>: Evaluate<X, Error = C::Error>,
{
    type Error = C::Error;
    type Failure = C::Failure;
    type Worker<'s>
        = InForm<F, C>
    where
        Self: 's;
    type Common = M;

    fn own(&self) -> InForm<F, C> {
        InForm(self.0(), PhantomData)
    }

    fn common(&self) -> Option<&M> {
        Some(&self.0)
    }

    fn make<'s>(make: &'s M) -> InForm<F, C>
    where
        Self: 's,
    {
        InForm(make(), PhantomData)
    }
}
