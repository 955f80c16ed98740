//! The engine, `numgrad::difference`. Needs no feature.

mod support;

mod engine {
    mod adaptive;
    mod examples;
    mod facts;
    mod gradient;
    mod matrices;
    mod nouns;
    mod numbers;
    mod plain;
}
