#![doc = include_str!("choosing_a_step.md")]
