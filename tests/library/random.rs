//! The random numbers are NumPy's, bit for bit. Reference values: `golden/README.md`, and NumPy 2.4.6's `RandomState`.

use std::path::Path;

use crate::support::numbers::bits;
use ndarray::{Array1, Array2, ArrayD};
use numgrad::dataset::{Sampler, synthetic};
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::train::{Init, InitScale, initial_parameters};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// The elements of a golden array, in row-major order.
fn golden<T: ndarray_npy::ReadableElement>(name: &str) -> Vec<T> {
    let array: ArrayD<T> = ndarray_npy::read_npy(Path::new("tests/golden").join(name)).unwrap();
    array.into_iter().collect()
}

fn sha256<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> String {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(|x| x.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn draw_batch(n_samples: usize, random: &mut LegacyRandom) -> Vec<i64> {
    draw_batch_of(100, n_samples, random)
}

fn draw_batch_of(batch_size: usize, n_samples: usize, random: &mut LegacyRandom) -> Vec<i64> {
    Sampler::new(n_samples, batch_size).draw(random).iter().map(|&index| index as i64).collect()
}

#[test]
fn uniform_weights_and_the_batches_after_them_are_those_of_the_articles_run() {
    let mut random = LegacyRandom::seed(42);
    let w1: Array2<f64> = 0.01 * random.rand((784, 50));
    let w2: Array2<f64> = 0.01 * random.rand((50, 10));
    assert_eq!(sha256(&w1), "81b7f5bc3f0e89b7364acbd7cbe95b79f9831c7a93ce2eb570c0df04a5f0328f");
    assert_eq!(bits(&w2), bits(golden::<f64>("article/init_W2.npy")));

    let mut on_subset = random.clone();
    assert_eq!(draw_batch(60_000, &mut random), golden::<i64>("article/batch_0.npy"));
    assert_eq!(draw_batch(60_000, &mut random), golden::<i64>("article/batch_1.npy"));
    assert_eq!(draw_batch(6_000, &mut on_subset), golden::<i64>("subset/batch_0.npy"));
}

#[test]
fn normal_weights_and_the_batch_after_them_are_those_of_the_books_initialisation() {
    let mut random = LegacyRandom::seed(42);
    let w1: Array2<f64> = 0.01 * random.randn((784, 50));
    let w2: Array2<f64> = 0.01 * random.randn((50, 10));
    assert_eq!(sha256(&w1), "84cb5ae35eeb88fd72a121af79ddbc17cdef0bed6f54848cf5e69f13fb3538a2");
    assert_eq!(bits(&w2), bits(golden::<f64>("normal-init/init_W2.npy")));
    assert_eq!(draw_batch(60_000, &mut random), golden::<i64>("normal-init/batch_0.npy"));
}

#[test]
fn the_weights_of_deeper_networks_and_the_batch_after_them_are_those_of_the_books_multi_layer_network() {
    for (folder, sizes, scale, seed, sha256_of_w1) in [
        (
            "deep-relu",
            &[784, 20, 15, 10][..],
            InitScale::He,
            42,
            "4c9fd461a978d9508389c2b1d9f962971e39d15893b5b3a19cd1be5da4ff6ff5",
        ),
        (
            "deep-sigmoid",
            &[784, 20, 15, 10],
            InitScale::Xavier,
            42,
            "25e2901db49be6112ab38c27116eede98b16cff10ae13d4ac65cfb57db8c349c",
        ),
        (
            "deep-tanh",
            &[784, 12, 10, 8, 10],
            InitScale::Xavier,
            7,
            "2fd7ec1ffbb84b5a2c1c9fd13f06d86fd7a142deee5192ddb9ebfc4e545bdec5",
        ),
    ] {
        let mut random = LegacyRandom::seed(seed);
        let shape = NetworkShape::new(sizes);
        let parameters = initial_parameters(&shape, Init::Normal, scale, &mut random);
        assert_eq!(sha256(parameters.weights(1)), sha256_of_w1, "{folder}");
        for layer in 2..=shape.n_layers() {
            let expected = golden::<f64>(&format!("{folder}/init_W{layer}.npy"));
            assert_eq!(bits(parameters.weights(layer)), bits(expected), "{folder}, W{layer}");
        }
        assert!((1..=shape.n_layers()).all(|layer| parameters.biases(layer).iter().all(|&bias| bias == 0.0)));
        assert_eq!(draw_batch_of(20, 6_000, &mut random), golden::<i64>(&format!("{folder}/batch_0.npy")));
    }
}

#[test]
fn synthetic_samples_are_those_of_test_a_and_leave_the_generator_where_test_a_does() {
    let mut random = LegacyRandom::seed(42);
    let data = synthetic(10, &mut random);
    assert_eq!(
        sha256(&data.train.normalised().flat()),
        "01224118d083e07c92a4e96b8ce9f4591963ecc94456bbcf388ad659bfed248d"
    );
    assert_eq!(data.train.labels()[..20], [9, 7, 0, 4, 1, 5, 8, 4, 3, 1, 2, 5, 7, 7, 4, 4, 9, 2, 6, 5]);
    assert_eq!(data.test, None);

    let w1: Array2<f64> = 0.01 * random.rand((100, 10));
    let w2: Array2<f64> = 0.01 * random.rand((10, 10));
    assert_eq!(bits(&w1), bits(golden::<f64>("synthetic/init_W1.npy")));
    assert_eq!(bits(&w2), bits(golden::<f64>("synthetic/init_W2.npy")));
    assert_eq!(draw_batch(100, &mut random), golden::<i64>("synthetic/batch_0.npy"));
}

/// What `RandomState(seed)` draws in this order: six of `randint(-5, 6)`, two each of `randint(0, 2**32)`,
/// `randint(0, 2**32 + 1)`, `randint(-2**63, 2**63 - 1)` and `randint(0, 2**40)`, one `randint(7, 8)`, `choice(1, 2)`,
/// three `randn`, a `random_sample` and a `standard_normal`.
struct Draws {
    seed: u32,
    small: [i64; 6],
    one_word: [i64; 2],
    just_two_words: [i64; 2],
    all_of_int64: [i64; 2],
    forty_bits: [i64; 2],
    normal: [u64; 3],
    uniform: u64,
    held_normal: u64,
}

#[test]
fn integers_of_every_width_and_held_back_normals_are_numpys_at_the_ends_of_the_seeds() {
    let cases = [
        Draws {
            seed: 0,
            small: [0, -5, -2, -2, 2, 4],
            one_word: [2_678_185_683, 2_774_094_101],
            just_two_words: [1_879_422_756, 4_138_900_056],
            all_of_int64: [-4_193_751_150_162_790_086, -412_005_965_807_845_914],
            forty_bits: [169_775_310_935, 749_764_042_328],
            normal: [0x3ff201495c970ff1, 0xbfd6f9c87a5998ab, 0x3ff3879c5b20bc41],
            uniform: 0x3fd79144f6a93496,
            held_normal: 0xbff56e92e2b2982c,
        },
        Draws {
            seed: 1,
            small: [0, 3, 4, 0, -5, -5],
            one_word: [1_703_301_249, 799_981_516],
            just_two_words: [1_704_103_302, 1_800_426_750],
            all_of_int64: [-3_444_495_714_692_199_534, 452_833_675_799_100_299],
            forty_bits: [1_086_103_244_266, 670_132_527_005],
            normal: [0x3feb763382f2f169, 0x3fb24388c68f8550, 0xc00256a63f0135ca],
            uniform: 0x3fee0d55b8cadb1d,
            held_normal: 0xbff6a61a5da59c93,
        },
        Draws {
            seed: 42,
            small: [1, -2, 5, 2, -1, 1],
            one_word: [1_914_837_113, 669_991_378],
            just_two_words: [249_467_210, 3_720_198_231],
            all_of_int64: [-3_067_534_686_115_681_181, -6_587_944_474_234_306_921],
            forty_bits: [558_434_158_229, 227_504_030_465],
            normal: [0x3fcdd610964eb51a, 0x3fbe34e5191e9985, 0x3ff765e699945a82],
            uniform: 0x3f7cf18edd27e580,
            held_normal: 0x3ff89e9395fc538c,
        },
        Draws {
            seed: 2147483648,
            small: [5, -1, -4, -2, 0, 4],
            one_word: [2_323_887_284, 1_716_297_117],
            just_two_words: [1_831_206_782, 1_307_482_841],
            all_of_int64: [-1_724_625_443_009_281_931, -524_946_386_919_910_521],
            forty_bits: [235_032_303_744, 504_249_318_502],
            normal: [0xbfda5e744fe3fac5, 0xbfee5ce128eafd96, 0xbff30cfe032ffeb5],
            uniform: 0x3fd716f9fe8e800c,
            held_normal: 0x3fa8e5107ffa47c7,
        },
        Draws {
            seed: 4294967295,
            small: [-2, -3, 2, -1, -5, 1],
            one_word: [3_309_765_114, 77_050_329],
            just_two_words: [4_163_996_287, 3_905_736_219],
            all_of_int64: [-6_073_565_284_424_111_690, 2_823_189_996_252_157_239],
            forty_bits: [920_902_176_270, 710_062_034_121],
            normal: [0xbffcdfe97df45f43, 0xbfce9cf411276e3b, 0xbfca9da1c2de6d1f],
            uniform: 0x3fecfb9641f5a49d,
            held_normal: 0xc0033386ccdc081c,
        },
    ];
    for case in cases {
        let mut random = LegacyRandom::seed(case.seed);
        assert_eq!(case.small.map(|_| random.randint(-5, 6)), case.small, "seed {}", case.seed);
        assert_eq!(case.one_word.map(|_| random.randint(0, 1 << 32)), case.one_word, "seed {}", case.seed);
        assert_eq!(case.just_two_words.map(|_| random.randint(0, (1 << 32) + 1)), case.just_two_words);
        assert_eq!(case.all_of_int64.map(|_| random.randint(i64::MIN, i64::MAX)), case.all_of_int64);
        assert_eq!(case.forty_bits.map(|_| random.randint(0, 1 << 40)), case.forty_bits, "seed {}", case.seed);
        assert_eq!(random.randint(7, 8), 7, "a range of one value draws nothing");
        let mut chosen = [9; 2];
        random.choice_into(1, &mut chosen);
        assert_eq!(chosen, [0, 0]);
        let normal: Array1<f64> = random.randn(3);
        assert_eq!(bits(&normal), case.normal, "seed {}", case.seed);
        assert_eq!(random.random_sample().to_bits(), case.uniform, "seed {}", case.seed);
        assert_eq!(random.standard_normal().to_bits(), case.held_normal, "seed {}", case.seed);
    }
}

#[test]
fn a_clone_continues_with_the_same_draws_even_between_the_two_normals_of_a_pair() {
    let mut random = LegacyRandom::seed(7);
    random.standard_normal();
    let mut clone = random.clone();
    for _ in 0..1000 {
        assert_eq!(random.standard_normal(), clone.standard_normal());
    }
}

proptest! {
    #[test]
    fn a_generator_restored_from_its_state_draws_the_same_for_ever(
        seed: u32, n_uniform in 0_usize..2000, n_normal in 0_usize..4, n_restored in 0_usize..2000,
    ) {
        let mut random = LegacyRandom::seed(seed);
        for _ in 0..n_uniform {
            random.random_sample();
        }
        for _ in 0..n_normal {
            random.standard_normal();
        }
        let mut restored = LegacyRandom::from_state(&random.state());
        prop_assert_eq!(&restored, &random);
        // Restored again while words of the first state are still to be handed out, or after that.
        for _ in 0..n_restored {
            prop_assert_eq!(restored.randint(0, 1000), random.randint(0, 1000));
        }
        let mut restored = LegacyRandom::from_state(&restored.state());
        for _ in 0..2000 {
            prop_assert_eq!(restored.standard_normal().to_bits(), random.standard_normal().to_bits());
        }
        random.randint(0, 2);
        prop_assert_ne!(restored, random);
    }

    #[test]
    fn integers_stay_within_any_range(seed: u32, low: i64, n in 1_i64..) {
        let high = low.saturating_add(n);
        prop_assume!(low < high);
        let mut random = LegacyRandom::seed(seed);
        for _ in 0..10 {
            let x = random.randint(low, high);
            prop_assert!((low..high).contains(&x), "{x} is not within {low}..{high}");
        }
    }

    #[test]
    fn uniform_numbers_are_at_least_0_and_below_1(seed: u32) {
        let mut random = LegacyRandom::seed(seed);
        for _ in 0..100 {
            prop_assert!((0.0..1.0).contains(&random.random_sample()));
        }
    }
}
