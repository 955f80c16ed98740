//! Vector units: one source of each kernel, compiled for every instruction set and chosen at run time.
//!
//! A kernel is a type with a generic `run`, written with `F64x8` and an `Arithmetic` that says whether `a·b + c` is one
//! instruction. `Isa::run` compiles it inside a function that has the instruction set switched on, so the compiler
//! turns eight lanes into one AVX-512 register, two AVX2 registers or four of plain x86-64. No operation crosses lanes and
//! AVX-512 and AVX2 round alike, so those two give the same bits; without a fused multiply-add the last bits differ.
//!
//! This is the one file with `unsafe`: calling a function compiled for an instruction set that was found at run time,
//! reading vectors as the numbers that they are, prefetching, and an instruction that is none.

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
            Isa::Neon => kernel.run::<Fused<8>>(),
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
    kernel.run::<Fused<8>>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused<32>>()
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

/// To be called once a round of a loop over vectors, or the compiler may compute one lane of eight rounds at a time: for AVX-512
/// it does, and scatters what it has computed, number by number.
#[inline(always)]
pub(in super::super) fn one_round_at_a_time() {
    // SAFETY: no instruction, which the compiler does not know.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// A computation that is compiled once for each instruction set.
pub(in super::super) trait Kernel {
    type Output;

    /// The computation. Mark it, and all that it calls in its loops, `#[inline(always)]`: only what is inlined into the
    /// caller is compiled for the caller's instruction set.
    fn run<A: Arithmetic>(self) -> Self::Output;
}

/// How `a·b + c` is computed, and with how much room.
pub(in super::super) trait Arithmetic {
    /// How many vectors of eight numbers the registers hold.
    const N_REGISTERS: usize;

    fn mul_add(a: f64, b: f64, c: f64) -> f64;
}

/// One instruction, one rounding, with registers for so many vectors. Without the instruction it would be a slow library call.
pub(in super::super) struct Fused<const N_REGISTERS: usize>;

/// Two instructions, two roundings.
pub(in super::super) struct Separate;

impl<const N: usize> Arithmetic for Fused<N> {
    const N_REGISTERS: usize = N;

    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Separate {
    const N_REGISTERS: usize = 4;

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
    pub const fn splat(x: f64) -> Self {
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
}

/// One number for each lane. Written out: a loop, or `std::array::from_fn`, at each of the thousands of places where this is
/// inlined takes three times as long to compile.
#[inline(always)]
pub(super) fn lanes(f: impl Fn(usize) -> f64) -> F64x8 {
    F64x8([f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7)])
}

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
}
