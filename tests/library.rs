//! The library but for its engine: networks (which need no feature), data sets, files and training.

mod support;

mod library {
    #[cfg(feature = "cli")]
    mod data_forms;
    #[cfg(feature = "cli")]
    mod dataset;
    #[cfg(feature = "cli")]
    mod deep;
    #[cfg(feature = "cli")]
    mod download;
    #[cfg(feature = "cli")]
    mod exact_difference;
    #[cfg(feature = "cli")]
    mod finding;
    #[cfg(feature = "cli")]
    mod idx;
    mod incremental;
    #[cfg(feature = "cli")]
    mod mutated;
    #[cfg(feature = "cli")]
    mod npz;
    #[cfg(feature = "cli")]
    mod other_files;
    #[cfg(feature = "cli")]
    mod picture;
    #[cfg(feature = "cli")]
    mod random;
    #[cfg(feature = "cli")]
    mod session;
    #[cfg(feature = "cli")]
    mod team;
    #[cfg(feature = "cli")]
    mod training;
}
