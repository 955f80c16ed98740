//! The programs as a user meets them: each test runs them as processes of their own.

mod support;

mod programs {
    mod bad_input;
    #[cfg(target_os = "linux")]
    mod browser;
    mod checking;
    mod depth;
    #[cfg(unix)]
    mod disk;
    mod mpi;
    mod predict;
    mod program;
    #[cfg(unix)]
    mod readme;
    mod report;
    mod resume;
    #[cfg(unix)]
    mod signals;
    mod sweep;
}
