//! Vector units: one source of each kernel, compiled for every instruction set and chosen at run time.
//!
//! A kernel is a type with a generic `run`, written with `F64x8` and an `Arithmetic` that says whether `a·b + c` is one
//! instruction. `Isa::run` compiles it inside a function that has the instruction set switched on, so the compiler
//! turns eight lanes into one AVX-512 register, two AVX2 registers or four of plain x86-64. No operation crosses lanes and
//! AVX-512 and AVX2 round alike, so those two give the same bits; without a fused multiply-add the last bits differ.
//!
//! This is the one file with `unsafe`: calling a function compiled for an instruction set that was found at run time,
//! reading vectors as the numbers that they are, and prefetching.

use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::str::FromStr;

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// What every processor of the architecture has: SSE2 on x86-64, no fused multiply-add.
    Plain,
    /// AVX2 with FMA, 256 bits (x86-64).
    Avx2,
    /// AVX-512 F, DQ and VL, 512 bits (x86-64).
    Avx512,
    /// NEON with its native fused multiply-add, 128 bits (aarch64).
    Neon,
}

impl Isa {
    /// All that there are, slowest first.
    const ALL: [Isa; 4] = [Isa::Plain, Isa::Neon, Isa::Avx2, Isa::Avx512];

    /// The fastest one that this processor has.
    pub fn best() -> Isa {
        *Isa::ALL.iter().rfind(|isa| isa.is_available()).expect("plain is always available")
    }

    /// All that this processor has, slowest first.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            _ => false,
        }
    }

    /// Runs a kernel compiled for this instruction set.
    ///
    /// # Panics
    /// If this processor does not have it.
    pub(in super::super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self.is_available(), "this processor has no {self}");
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the features that `run_avx2` is compiled with were just found on this processor.
            Isa::Avx2 => unsafe { run_avx2(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the features that `run_avx512` is compiled with were just found on this processor.
            Isa::Avx512 => unsafe { run_avx512(kernel) },
            Isa::Neon => kernel.run::<Fused>(),
            _ => kernel.run::<Separate>(),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Isa::Plain => "plain",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        })
    }
}

impl FromStr for Isa {
    type Err = String;

    /// Reads `plain`, `avx2`, `avx512` or `neon`, whether this processor has it or not: a file may tell of another one.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Isa::ALL.into_iter().find(|isa| isa.to_string() == name).ok_or_else(|| {
            let names = Isa::ALL.map(|isa| isa.to_string());
            format!("expected an instruction set ({}), found \"{name}\"", names.join(", "))
        })
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

/// Asks for bytes that will be read soon to be brought into the cache. Nothing but time depends on it.
#[cfg(feature = "train")]
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "there is no such instruction in std"))]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address is allowed, and SSE, which it needs, is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

/// A computation that is compiled once for each instruction set.
pub(in super::super) trait Kernel {
    type Output;

    /// The computation. Mark it, and all that it calls in its loops, `#[inline(always)]`: only what is inlined into the
    /// caller is compiled for the caller's instruction set.
    fn run<A: Arithmetic>(self) -> Self::Output;
}

/// How `a·b + c` is computed.
pub(in super::super) trait Arithmetic {
    fn mul_add(a: f64, b: f64, c: f64) -> f64;
}

/// One instruction, one rounding. Without the instruction it would be a slow library call.
pub(in super::super) struct Fused;

/// Two instructions, two roundings.
pub(in super::super) struct Separate;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Separate {
    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}

/// How many numbers a vector has, for every instruction set.
pub(in super::super) const LANES: usize = 8;

/// Eight numbers that are computed alike.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(in super::super) struct F64x8(pub [f64; LANES]);

impl F64x8 {
    pub const ZERO: F64x8 = F64x8([0.0; LANES]);

    #[inline(always)]
    pub fn splat(x: f64) -> Self {
        Self([x; LANES])
    }

    /// Up to eight numbers, then 0.
    #[inline(always)]
    pub fn padded(numbers: &[f64]) -> Self {
        let mut lanes = [0.0; LANES];
        lanes[..numbers.len()].copy_from_slice(numbers);
        Self(lanes)
    }

    /// The numbers of vectors, one after another.
    #[inline(always)]
    pub fn as_lanes(vectors: &[F64x8]) -> &[f64] {
        // SAFETY: an `F64x8` is eight `f64` without padding (64 bytes, aligned to 64), valid for any bits.
        unsafe { std::slice::from_raw_parts(vectors.as_ptr().cast(), vectors.len() * LANES) }
    }

    /// In each lane `a` where the sign of `x` is plus, else `b`.
    #[inline(always)]
    pub fn select(x: F64x8, a: F64x8, b: F64x8) -> Self {
        lanes(|lane| if x.0[lane] >= 0.0 { a.0[lane] } else { b.0[lane] })
    }

    /// `self · b + c`.
    #[inline(always)]
    pub fn mul_add<A: Arithmetic>(self, b: F64x8, c: F64x8) -> Self {
        lanes(|lane| A::mul_add(self.0[lane], b.0[lane], c.0[lane]))
    }

    #[inline(always)]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        lanes(|lane| f(self.0[lane]))
    }

    #[inline(always)]
    pub fn zip(self, other: F64x8, f: impl Fn(f64, f64) -> f64) -> Self {
        lanes(|lane| f(self.0[lane], other.0[lane]))
    }

    /// All lanes combined, as a tree: 0 with 4, 1 with 5, …, then 0 with 2, 1 with 3, then 0 with 1.
    #[inline(always)]
    pub fn reduce(self, f: impl Fn(f64, f64) -> f64) -> f64 {
        let [a, b, c, d, e, g, h, i] = self.0;
        let quarters = [f(a, e), f(b, g), f(c, h), f(d, i)];
        f(f(quarters[0], quarters[2]), f(quarters[1], quarters[3]))
    }

    /// `exp` of each lane, to less than one unit in the last place; 0 below -745.2, infinity above 709.8, NaN for NaN.
    ///
    /// `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2` (Cody and Waite's two-part ln 2), and the Taylor polynomial of degree 13,
    /// whose remainder is below 5e-18.
    #[inline(always)]
    pub fn exp<A: Arithmetic>(self) -> Self {
        self.map(exp::<A>)
    }
}

impl F64x8 {
    /// The hyperbolic tangent of each lane, to a few units in the last place; NaN for NaN.
    ///
    /// With `e = expm1(-2|x|)` it is `-e/(2 + e)` with the sign of x, where nothing cancels.
    #[inline(always)]
    pub fn tanh<A: Arithmetic>(self) -> Self {
        self.map(|x| {
            let e = expm1_of_negative::<A>(-2.0 * x.abs());
            (-e / (2.0 + e)).copysign(x)
        })
    }
}

impl F64x8 {
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
        // Step by step for all lanes, and every lane goes both ways: of the whole for each lane the compiler makes scalar code.
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
        let small = (-s).mul_add::<A>((-(square + square)).mul_add::<A>(p, f), k.mul_add::<A>(splat(LN2_LOW), rest));
        k.mul_add::<A>(splat(LN2_HIGH), f + small)
    }
}

/// One number for each lane: `std::array::from_fn`, but inlined by whatever profile the caller's crate is built with.
#[inline(always)]
fn lanes(f: impl Fn(usize) -> f64) -> F64x8 {
    let mut lanes = [0.0; LANES];
    for (lane, number) in lanes.iter_mut().enumerate() {
        *number = f(lane);
    }
    F64x8(lanes)
}

/// Adding and subtracting it rounds a number below 2⁵¹ to the nearest integer, which then stands in its low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, of which the first has so few digits that a product with an integer is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

#[inline(always)]
fn exp<A: Arithmetic>(x: f64) -> f64 {
    // Comparisons that let NaN through; at the bounds the result is 0 or infinity already.
    let x = if x < -746.0 { -746.0 } else { x };
    let x = if x > 710.0 { 710.0 } else { x };
    let n = A::mul_add(x, std::f64::consts::LOG2_E, ROUND) - ROUND;
    let r = A::mul_add(-n, LN2_LOW, A::mul_add(-n, LN2_HIGH, x));
    // 1 + (r + r²·p): the small terms first.
    let p = 1.0 + A::mul_add(r * r, exp_remainder::<A>(r), r);
    // In two factors, so that neither over- nor underflows before the product does.
    let half = A::mul_add(n, 0.5, ROUND) - ROUND;
    p * power_of_two(half) * power_of_two(n - half)
}

/// `expm1(x)` for x of at most 0, to a few units in the last place: `2ⁿ·(expm1(r) + 1) - 1` with r as in [`exp`], where for
/// n = 0 nothing cancels and for others the result is at least 0.29.
#[inline(always)]
fn expm1_of_negative<A: Arithmetic>(x: f64) -> f64 {
    // At the bound the result is -1 already.
    let x = if x < -40.0 { -40.0 } else { x };
    let n = A::mul_add(x, std::f64::consts::LOG2_E, ROUND) - ROUND;
    let r = A::mul_add(-n, LN2_LOW, A::mul_add(-n, LN2_HIGH, x));
    let scale = power_of_two(n);
    A::mul_add(scale, A::mul_add(r * r, exp_remainder::<A>(r), r), scale - 1.0)
}

/// `(exp(r) - 1 - r) / r²` for `|r| ≤ ln 2 / 2`.
#[inline(always)]
fn exp_remainder<A: Arithmetic>(r: f64) -> f64 {
    let mut p = INVERSE_FACTORIALS[13];
    for degree in (2..13).rev() {
        p = A::mul_add(p, r, INVERSE_FACTORIALS[degree]);
    }
    p
}

/// `2ⁿ` for an integral `n` in -1022..=1023.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    let low_bits = (n + ROUND).to_bits();
    f64::from_bits(low_bits.wrapping_add(1023) << 52)
}

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

macro_rules! lanewise {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for F64x8 {
            type Output = F64x8;

            #[inline(always)]
            fn $method(self, other: F64x8) -> F64x8 {
                self.zip(other, $trait::$method)
            }
        }
    )*};
}

lanewise!(Add add, Sub sub, Mul mul, Div div);

impl Neg for F64x8 {
    type Output = F64x8;

    #[inline(always)]
    fn neg(self) -> F64x8 {
        self.map(|x| -x)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;

    #[test]
    fn a_name_is_read_whether_this_processor_has_the_instructions_or_not() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert_eq!(
            "mmx".parse::<Isa>(),
            Err("expected an instruction set (plain, neon, avx2, avx512), found \"mmx\"".to_owned())
        );
    }

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

    #[test]
    fn an_instruction_set_is_read_by_the_name_that_it_prints() {
        for isa in Isa::available() {
            assert_eq!(isa.to_string().parse::<Isa>(), Ok(isa));
        }
        assert!("mmx".parse::<Isa>().unwrap_err().contains("plain"));
    }
}
