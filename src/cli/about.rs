//! `--completions` and `--man`: a program's flags, told to a shell and to `man`.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

use super::terminal::{print, say};

/// The flags by which every program tells about itself. As with `--help`, other flags do not matter beside them; an argument
/// that a program requires needs `required_unless_present_any = ["completions", "man"]`.
#[derive(Debug, Args)]
pub struct AboutArgs {
    /// Print the completions of these flags for a shell, and end
    ///
    /// For bash they belong into ~/.local/share/bash-completion/completions/, in a file of the program's name.
    #[arg(long, value_name = "SHELL", value_enum, ignore_case = true, help_heading = "About")]
    completions: Option<Shell>,

    /// Print the manual page, and end; `man -l -` shows it
    #[arg(long, help_heading = "About")]
    man: bool,
}

impl AboutArgs {
    /// Prints what was asked for on standard output and ends the program; returns where nothing was.
    pub fn print_if_asked(&self, mut command: Command) {
        let mut text = Vec::new();
        if let Some(shell) = self.completions {
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut text);
        } else if self.man {
            clap_mangen::Man::new(command).render(&mut text).expect("memory takes whatever is written");
        } else {
            return;
        }
        let printed = print("what was asked for", |out| out.write_all(&text));
        std::process::exit(match printed {
            Ok(()) => 0,
            Err(error) => {
                say(format_args!("error: {error:#}"));
                1
            }
        });
    }
}
