//! Elementary functions of eight numbers at a time.
//!
//! Each is written step by step for all lanes, and every lane goes all ways: of a function of one number, mapped over the lanes,
//! the compiler makes scalar code in part.

use std::f64::consts::LOG2_E;

use super::simd::{Arithmetic, F64x8, lanes};

/// Adding and subtracting it rounds a number below 2⁵¹ to the nearest integer, which then stands in its low bits.
const ROUND: F64x8 = F64x8::splat(6_755_399_441_055_744.0);

/// ln 2 in two parts, of which the first has so few digits that a product with an integer is exact.
const LN2_HIGH: F64x8 = F64x8::splat(6.931_471_803_691_238e-1);
const LN2_LOW: F64x8 = F64x8::splat(1.908_214_929_270_587_7e-10);

const ONE: F64x8 = F64x8::splat(1.0);

/// `1 / n!`.
pub(in super::super) const INVERSE_FACTORIALS: [f64; 18] = {
    let mut inverse = [1.0; 18];
    let mut factorial = 1.0;
    let mut n = 1;
    while n < 18 {
        factorial *= n as f64;
        inverse[n] = 1.0 / factorial;
        n += 1;
    }
    inverse
};

impl F64x8 {
    /// `exp` of each lane, to less than one unit in the last place; 0 below -745.2, infinity above 709.8, NaN for NaN.
    ///
    /// `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2` (Cody and Waite's two-part ln 2), and the Taylor polynomial of degree 13,
    /// whose remainder is below 5e-18.
    #[inline(always)]
    pub fn exp<A: Arithmetic>(self) -> Self {
        // Comparisons that let NaN through; at the bounds the result is 0 or infinity already.
        let x = self.map(|x| if x < -746.0 { -746.0 } else { x }).map(|x| if x > 710.0 { 710.0 } else { x });
        let (n, r) = whole_and_rest::<A>(x);
        // 1 + (r + r²·p): the small terms first.
        let p = ONE + (r * r).mul_add::<A>(exp_remainder::<A>(r), r);
        // In two factors, so that neither over- nor underflows before the product does.
        let half = n.mul_add::<A>(F64x8::splat(0.5), ROUND) - ROUND;
        p * power_of_two(half) * power_of_two(n - half)
    }

    /// The hyperbolic tangent of each lane, to a few units in the last place; NaN for NaN.
    ///
    /// With `e = expm1(-2|x|)` it is `-e/(2 + e)` with the sign of x, where nothing cancels.
    #[inline(always)]
    pub fn tanh<A: Arithmetic>(self) -> Self {
        let e = expm1_of_negative::<A>(self.map(|x| -2.0 * x.abs()));
        (-e / (F64x8::splat(2.0) + e)).zip(self, f64::copysign)
    }

    /// `expm1` of each lane from -ln 2 to ln 2, to a few units in the last place; NaN for NaN.
    ///
    /// The Taylor polynomial of degree 17, whose remainder is below 2e-19, in two halves that do not wait for one another.
    #[inline(always)]
    pub fn small_exp_m1<A: Arithmetic>(self) -> Self {
        let coefficient = |m: usize| F64x8::splat(INVERSE_FACTORIALS[m + 1]);
        let square = self * self;
        let (mut even, mut odd) = (coefficient(16), coefficient(15));
        for m in (0..8).rev() {
            even = even.mul_add::<A>(square, coefficient(2 * m));
            if m > 0 {
                odd = odd.mul_add::<A>(square, coefficient(2 * m - 1));
            }
        }
        self * odd.mul_add::<A>(self, even)
    }

    /// `ln(1 + x)` of each lane from -1/2 to 1e300, to a few units in the last place; NaN for NaN.
    ///
    /// `1 + x = 2ᵏ·m` with m between √½ and √2, and `ln m = 2·atanh(s)` with `s = (m - 1)/(m + 1)` and |s| ≤ 0.172: the odd
    /// terms up to s²¹, of which the next one is below 7e-20. Where k is 0, m - 1 is x itself, to every digit. Else what the sum
    /// `1 + x` is rounded by is divided by it and added.
    #[inline(always)]
    pub fn ln_1p<A: Arithmetic>(self) -> Self {
        /// The bits of √½.
        const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
        /// A whole number below 2⁵² stands in the low bits of its sum with this.
        const TWO_52: f64 = 4_503_599_627_370_496.0;
        let (x, splat) = (self, F64x8::splat);
        let sum = splat(1.0) + x;
        // k + 1023, which is how often √½ can be doubled, for k of at least -1.
        let exponent = |sum: f64| (sum.to_bits().wrapping_sub(SQRT_HALF) >> 52).wrapping_add(1023) & 0x7ff;
        let k = sum.map(|sum| f64::from_bits(exponent(sum) | TWO_52.to_bits())) - splat(TWO_52 + 1023.0);
        let m = sum.map(|sum| f64::from_bits(sum.to_bits().wrapping_sub(exponent(sum).wrapping_sub(1023) << 52)));
        // By how much the sum is less than 1 + x: of the two the larger one is subtracted first, which is exact.
        let rests = (x - (sum - splat(1.0)), splat(1.0) - (sum - x));
        let rest = lanes(|lane| if x.0[lane] < 1.0 { rests.0.0[lane] } else { rests.1.0[lane] }) / sum;
        let rest = k.zip(rest, |k, rest| if k == 0.0 { 0.0 } else { rest });
        let above_1 = m - splat(1.0);
        let f = lanes(|lane| if k.0[lane] == 0.0 { x.0[lane] } else { above_1.0[lane] });
        let s = f / (splat(2.0) + f);
        let square = s * s;
        let mut p = splat(1.0 / 21.0);
        for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
            p = p.mul_add::<A>(square, splat(1.0 / odd));
        }
        // 2·atanh(s) = f - s·(f - 2·s²·p): the large term is exact.
        let small = (-s).mul_add::<A>((-(square + square)).mul_add::<A>(p, f), k.mul_add::<A>(LN2_LOW, rest));
        k.mul_add::<A>(LN2_HIGH, f + small)
    }
}

/// `expm1` of each lane of at most 0, to a few units in the last place: `2ⁿ·(expm1(r) + 1) - 1` with r as in [`F64x8::exp`],
/// where for n = 0 nothing cancels and for others the result is at least 0.29.
#[inline(always)]
fn expm1_of_negative<A: Arithmetic>(x: F64x8) -> F64x8 {
    // At the bound the result is -1 already.
    let (n, r) = whole_and_rest::<A>(x.map(|x| if x < -40.0 { -40.0 } else { x }));
    let scale = power_of_two(n);
    scale.mul_add::<A>((r * r).mul_add::<A>(exp_remainder::<A>(r), r), scale - ONE)
}

/// n and r of `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2`.
#[inline(always)]
fn whole_and_rest<A: Arithmetic>(x: F64x8) -> (F64x8, F64x8) {
    let n = x.mul_add::<A>(F64x8::splat(LOG2_E), ROUND) - ROUND;
    (n, (-n).mul_add::<A>(LN2_LOW, (-n).mul_add::<A>(LN2_HIGH, x)))
}

/// `(exp(r) - 1 - r) / r²` for `|r| ≤ ln 2 / 2`.
#[inline(always)]
fn exp_remainder<A: Arithmetic>(r: F64x8) -> F64x8 {
    let mut p = F64x8::splat(INVERSE_FACTORIALS[13]);
    for degree in (2..13).rev() {
        p = p.mul_add::<A>(r, F64x8::splat(INVERSE_FACTORIALS[degree]));
    }
    p
}

/// `2ⁿ` for an integral `n` in -1022..=1023.
#[inline(always)]
fn power_of_two(n: F64x8) -> F64x8 {
    (n + ROUND).map(|low_bits| f64::from_bits(low_bits.to_bits().wrapping_add(1023) << 52))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::super::simd::{Isa, Kernel};
    use super::*;

    struct Exp(F64x8);

    impl Kernel for Exp {
        type Output = F64x8;

        #[inline(always)]
        fn run<A: Arithmetic>(self) -> F64x8 {
            self.0.exp::<A>()
        }
    }

    #[test]
    fn exp_is_within_one_unit_in_the_last_place_of_the_standard_library() {
        for isa in Isa::available() {
            for step in -60_000..60_000 {
                let x = step as f64 * 0.011_71;
                let (ours, theirs) = (isa.run(Exp(F64x8::splat(x))).0[3], x.exp());
                // Subnormal results are rounded twice, hence the absolute part.
                let tolerance = theirs * 1.5 * f64::EPSILON + 1e-323;
                assert!((ours - theirs).abs() <= tolerance, "{isa}: exp({x}) = {ours:e}, expected {theirs:e}");
            }
        }
    }

    struct Tanh(F64x8);

    impl Kernel for Tanh {
        type Output = F64x8;

        #[inline(always)]
        fn run<A: Arithmetic>(self) -> F64x8 {
            self.0.tanh::<A>()
        }
    }

    #[test]
    fn tanh_has_every_digit_at_every_size() {
        for isa in Isa::available() {
            let sizes =
                (-310..2).map(|exponent| 10_f64.powi(exponent)).chain((1..50_000).map(|step| step as f64 * 5e-4));
            for x in sizes.flat_map(|x| [x, -x, 0.731 * x]) {
                let (ours, theirs) = (isa.run(Tanh(F64x8::splat(x))).0[3], x.tanh());
                let tolerance = theirs.abs() * 4.0 * f64::EPSILON + 1e-323;
                assert!((ours - theirs).abs() <= tolerance, "{isa}: tanh({x:e}) = {ours:e}, expected {theirs:e}");
            }
            let ends =
                isa.run(Tanh(F64x8([f64::NEG_INFINITY, -1e300, -0.0, 0.0, 1e300, f64::INFINITY, f64::NAN, 0.0]))).0;
            assert_eq!(ends[..6], [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]);
            assert!(ends[2].is_sign_negative() && ends[6].is_nan());
        }
    }

    struct ExpM1(F64x8);

    impl Kernel for ExpM1 {
        type Output = F64x8;

        #[inline(always)]
        fn run<A: Arithmetic>(self) -> F64x8 {
            self.0.small_exp_m1::<A>()
        }
    }

    struct Ln1p(F64x8);

    impl Kernel for Ln1p {
        type Output = F64x8;

        #[inline(always)]
        fn run<A: Arithmetic>(self) -> F64x8 {
            self.0.ln_1p::<A>()
        }
    }

    #[test]
    fn expm1_and_log1p_have_every_digit_at_every_size() {
        let sizes =
            || (-310..3).map(|exponent| 10_f64.powi(exponent)).chain((1..60_000).map(|step| step as f64 * 1e-3));
        for isa in Isa::available() {
            for x in sizes().map(|x| 1e-2 * x).filter(|x| *x <= LN_2).flat_map(|x| [x, -x, 0.731 * x]) {
                let ours = isa.run(ExpM1(F64x8::splat(x))).0[3];
                let theirs = x.exp_m1();
                let tolerance = theirs.abs() * 2.0 * f64::EPSILON + 1e-323;
                assert!((ours - theirs).abs() <= tolerance, "{isa}: expm1({x:e}) = {ours:e}, expected {theirs:e}");
            }
            let large = (3..301).map(|exponent| 10_f64.powi(exponent));
            let negative = (1..5_001).map(|step| step as f64 * -1e-4);
            for x in sizes().chain(large).chain(negative).chain(sizes().filter(|x| *x < 0.5).map(|x| -x)) {
                let ours = isa.run(Ln1p(F64x8::splat(x))).0[3];
                let theirs = x.ln_1p();
                let tolerance = theirs.abs() * 2.0 * f64::EPSILON + 1e-323;
                assert!((ours - theirs).abs() <= tolerance, "{isa}: log1p({x:e}) = {ours:e}, expected {theirs:e}");
            }
            assert!(isa.run(ExpM1(F64x8::splat(f64::NAN))).0[0].is_nan());
            assert!(isa.run(Ln1p(F64x8::splat(f64::NAN))).0[0].is_nan());
            assert_eq!(isa.run(Ln1p(F64x8::ZERO)).0[0], 0.0);
        }
    }

    #[test]
    fn exp_saturates_and_passes_nan_on() {
        for isa in Isa::available() {
            let x = [f64::NEG_INFINITY, -1e300, -1000.0, 0.0, -0.0, 1000.0, f64::INFINITY, f64::NAN];
            let y = isa.run(Exp(F64x8(x))).0;
            assert_eq!(y[..7], [0.0, 0.0, 0.0, 1.0, 1.0, f64::INFINITY, f64::INFINITY]);
            assert!(y[7].is_nan());
        }
    }
}
