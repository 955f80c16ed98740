//! What is allocated, counted by an allocator that counts for the whole process: nothing else may run meanwhile. So these
//! tests have no harness of the compiler's (which has threads of its own) but this `main`, which runs one after the other.
//! It takes parts of names and `--list` as the harness does, and passes over its other flags.

mod support;

mod memory {
    pub mod counting;
    pub mod derivatives;
    #[cfg(feature = "cli")]
    pub mod idx;
    #[cfg(feature = "cli")]
    pub mod n_bytes;
    #[cfg(feature = "cli")]
    pub mod npz;
    #[cfg(feature = "cli")]
    pub mod training;
}

/// Each function with its name.
macro_rules! tests {
    ($($(#[$attribute:meta])* $module:ident::$test:ident,)*) => {
        [$($(#[$attribute])* (concat!(stringify!($module), "::", stringify!($test)), memory::$module::$test as fn()),)*]
    };
}

fn main() {
    let tests = tests![
        derivatives::a_gradient_into_what_is_there_allocates_nothing_once_warm,
        derivatives::the_number_of_allocations_does_not_depend_on_the_number_of_coordinates,
        #[cfg(feature = "cli")]
        idx::a_bad_file_takes_no_more_memory_than_its_own_size_warrants,
        #[cfg(feature = "cli")]
        n_bytes::a_loss_takes_as_much_memory_as_it_says,
        #[cfg(feature = "cli")]
        n_bytes::a_training_takes_no_more_memory_than_it_says_and_not_much_less,
        #[cfg(feature = "cli")]
        n_bytes::so_do_the_answers_to_samples_and_a_check_of_a_gradient,
        #[cfg(feature = "cli")]
        n_bytes::what_overflows_is_more_than_any_memory,
        #[cfg(feature = "cli")]
        npz::a_bad_archive_takes_no_more_memory_than_its_own_size_warrants,
        #[cfg(feature = "cli")]
        training::in_steady_state_neither_a_gradient_nor_an_iteration_allocates,
    ];
    let (mut parts, mut is_list) = (Vec::new(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => is_list = true,
            "--color" | "--format" | "--logfile" | "--skip" | "--test-threads" | "-Z" => drop(args.next()),
            flag if flag.starts_with('-') => {}
            _ => parts.push(arg),
        }
    }
    for (name, test) in tests {
        if !parts.is_empty() && !parts.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        if is_list {
            println!("{name}: test");
        } else {
            // A panic ends the process with an exit code that cargo takes for a failure.
            println!("test {name} ...");
            test();
            println!("test {name} ... ok");
        }
    }
}
