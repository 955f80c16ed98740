//! `numgrad-train` where it checks and describes itself: gradients before training, completions, the manual page.

use std::fs;

use crate::support::programs::{loss_bits, process, run, succeeds_without_a_reader, train};
use predicates::prelude::*;
use tempfile::TempDir;

fn stdout(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

#[test]
fn a_check_prints_a_row_for_each_array_and_training_goes_on_with_the_same_losses() {
    let folder = TempDir::new().unwrap();
    for (mode, data) in
        [("--forward incremental", "synthetic"), ("--forward full", "synthetic"), ("--gradient backprop", "embedded")]
    {
        let args = format!("--dataset {data} -n 5 --batch-size 50 {mode} --quiet --force");
        let plain = stdout(&run(&folder, &format!("{args} --out plain")).success());
        assert!(!plain.contains("W1"), "{plain}");
        let checked = stdout(&run(&folder, &format!("{args} --out checked --check-gradient")).success());
        let rows: Vec<Vec<_>> = checked.lines().map(|line| line.split_whitespace().collect()).collect();
        for name in ["W1", "b1", "W2", "b2"] {
            let row = rows.iter().find(|row| row.first() == Some(&name)).unwrap_or_else(|| panic!("{checked}"));
            assert_eq!(row.last(), Some(&"agrees"), "{checked}");
        }
        assert!(checked.contains("Final loss:"), "{checked}");
        assert_eq!(loss_bits(folder.path().join("plain")), loss_bits(folder.path().join("checked")), "{mode}");
        let model = |run: &str| fs::read(folder.path().join(run).join("model.npz")).unwrap();
        assert!(model("plain") == model("checked"), "{mode}");
    }
}

#[test]
fn where_the_step_hides_an_error_nothing_is_trained_and_a_step_is_named_that_does_not() {
    let folder = TempDir::new().unwrap();
    for args in ["--forward full --step 1e-13", "--step 50"] {
        let args = format!("--dataset synthetic -n 3 --check-gradient --out a/run {args}");
        let output = run(&folder, &args)
            .code(1)
            .stdout(predicate::str::contains("can't tell").and(predicate::str::contains("Final loss").not()))
            .stderr(
                predicate::str::contains("--check-gradient can't tell at --step")
                    .and(predicate::str::contains("--step 1e-4 can tell")),
            );
        assert!(!folder.path().join("a").exists(), "{output}");
    }
    // What can tell does.
    run(&folder, "--dataset synthetic -n 3 --check-gradient --out a/run --forward full --step 1e-4").success();
}

#[test]
fn a_step_that_moves_no_weight_is_refused_and_one_that_says_little_is_warned_of() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic -n 2 --quiet --force";
    for step in ["1e-300", "1e-19"] {
        run(&folder, &format!("{args} --forward full --step {step} --out refused")).code(1).stderr(
            predicate::str::contains(format!("--step {step} is too short for --forward full"))
                .and(predicate::str::contains("in W1")),
        );
        assert!(!folder.path().join("refused").exists());
        run(&folder, &format!("{args} --step {step} --out run")).success().stderr("");
    }
    // Losses are rounded by 2e-16 of their size, which is divided by the step.
    run(&folder, &format!("{args} --forward full --step 1e-16 --out run"))
        .success()
        .stderr(predicate::str::contains("warning: --step 1e-16 is so short that rounding"));
    for forward in ["full", "incremental"] {
        run(&folder, &format!("{args} --forward {forward} --out run")).success().stderr("");
        let long = run(&folder, &format!("{args} --forward {forward} --step 1e3 --learning-rate 0.1,0.2 --out sweep"))
            .success();
        let warnings = String::from_utf8_lossy(&long.get_output().stderr).into_owned();
        assert_eq!(warnings.matches("warning: --step 1000 is long").count(), 1, "{warnings}");
        fs::remove_dir_all(folder.path().join("sweep")).unwrap();
    }
}

#[test]
fn a_step_of_any_length_is_checked_without_a_panic() {
    let folder = TempDir::new().unwrap();
    for forward in ["full", "incremental"] {
        for step in ["1e-300", "1e-200", "1e200", "1.7e308"] {
            let args =
                format!("--dataset synthetic -n 1 --check-gradient --quiet --out run --force --forward {forward}");
            let output = run(&folder, &format!("{args} --step {step}"));
            let output = output.get_output();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)) && !stderr.contains("panicked"), "{step}: {stderr}");
        }
    }
    // Weights near the largest f64: no number of the gradient is finite.
    run(&folder, "--dataset synthetic -n 1 --check-gradient --init normal --init-scale 3e307 --out run --force")
        .code(1)
        .stderr(predicate::str::contains("no step can tell").and(predicate::str::contains("panicked").not()));
}

#[test]
fn a_continued_run_is_checked_at_the_weights_that_it_continues_from() {
    let folder = TempDir::new().unwrap();
    let table = |args: &str| {
        let text = stdout(&run(&folder, args).success());
        text.lines().take_while(|line| !line.starts_with("Final loss")).map(str::to_owned).collect::<Vec<_>>()
    };
    let first = table("--dataset synthetic --init normal -n 20 --check-gradient --quiet --out run");
    run(&folder, "--dataset synthetic --init normal -n 40 --quiet --out whole").success();
    let later = table("--resume run -n 40 --check-gradient --quiet");
    assert_eq!(first.len(), later.len());
    assert_ne!(first, later);
    assert_eq!(loss_bits(folder.path().join("run")), loss_bits(folder.path().join("whole")));

    // What can't be told leaves the run as it was.
    run(&folder, "--dataset synthetic -n 2 --forward full --step 1e-13 --quiet --out coarse").success();
    run(&folder, "--resume coarse -n 4 --check-gradient").code(1);
    assert_eq!(loss_bits(folder.path().join("coarse")).len(), 2);
    assert!(folder.path().join("coarse/run.json").exists());
    run(&folder, "--resume coarse -n 4").success();
}

#[cfg(unix)]
#[test]
fn a_check_of_minutes_can_be_interrupted_and_leaves_nothing() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let folder = TempDir::new().unwrap();
    // 400,000 weights, two forward passes of a millisecond each.
    let args = "--dataset embedded --forward full --hidden 500 --batch-size 500 --check-gradient --out run";
    let mut child = process("numgrad-train", &folder)
        .args(args.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let begun = lines.next().unwrap();
    assert!(begun.starts_with("Checking the gradient of 397,510 parameters"), "{begun}");
    std::thread::sleep(std::time::Duration::from_millis(300));
    // The folder is made once the check is passed.
    assert!(!folder.path().join("run").exists());
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let stderr = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(stderr.trim_end().ends_with("interrupted by Ctrl-C before the first iteration"), "{stderr}");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn a_step_study_draws_every_kind_of_difference_and_prints_its_best_step() {
    let folder = TempDir::new().unwrap();
    let table = stdout(
        &run(&folder, "--dataset synthetic --batch-size 20 --init normal --step-study s.svg --quiet")
            .success()
            .stderr(""),
    );
    let svg = fs::read_to_string(folder.path().join("s.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    // 64 of W1, 10 of b1, 64 of W2 (100), 10 of b2.
    for text in ["148 of 1,120 derivatives", "step h", "five-point", "central, incremental"] {
        assert!(svg.contains(text), "the picture lacks \"{text}\"");
    }
    let error = |name: &str| -> f64 {
        let row = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{table}"));
        row.split_whitespace().last().unwrap().parse().unwrap()
    };
    // The best that each can do: ε^(1/2), ε^(2/3), ε^(4/5), and a few ε, with two digits to spare.
    let expected = [("forward", 1e-6), ("central  ", 1e-8), ("five-point", 1e-10), ("central, incremental", 1e-14)];
    for (name, most) in expected {
        assert!(error(name) < most, "{table}");
    }
    assert!(error("forward") > error("central  ") && error("five-point") > error("central, incremental"), "{table}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a study trains nothing");

    let again = run(&folder, "--dataset synthetic --batch-size 20 --init normal --step-study s.svg --quiet");
    again.code(1).stderr(predicate::str::contains("--step-study s.svg").and(predicate::str::contains("--force")));
    assert_eq!(fs::read_to_string(folder.path().join("s.svg")).unwrap(), svg);
    assert_eq!(
        stdout(
            &run(&folder, "--dataset synthetic --batch-size 20 --init normal --step-study s.svg --quiet --force")
                .success()
        ),
        table
    );
    for other in ["--out run", "--check-gradient", "--resume run", "--save-gradient g.npz"] {
        run(&folder, &format!("--dataset synthetic --step-study t.svg {other}")).code(2);
    }
    run(&folder, "--dataset synthetic --step-study no/such/s.svg").code(1).stderr(predicate::str::contains("no/such"));
}

#[test]
fn every_shell_gets_completions_with_the_flags_and_their_values() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = stdout(&run(&folder, &format!("--completions {shell}")).success().stderr(""));
        for word in ["check-gradient", "save-gradient", "learning-rate"] {
            assert!(text.contains(word), "{shell} lacks {word}");
        }
    }
    let bash = stdout(&run(&folder, "--completions bash").success());
    assert!(bash.contains("incremental full") && bash.contains("mnist embedded synthetic"), "{bash}");
    run(&folder, "--completions tcsh").code(2).stderr(predicate::str::contains("bash"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "describing itself leaves no file");
}

/// What bash itself makes of them.
#[test]
fn bash_completes_flags_and_values_with_them() {
    if std::process::Command::new("bash").arg("--version").output().is_err() {
        println!("skipped: there is no bash");
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = stdout(&run(&folder, "--completions bash").success());
    fs::write(folder.path().join("completions"), script).unwrap();
    let complete = |words: &str| {
        let script = format!(
            "source ./completions; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             function=$(complete -p numgrad-train | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
             $function numgrad-train \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(&folder).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("numgrad-train --check"), "--check-gradient --checkpoint-every");
    assert_eq!(complete("numgrad-train --forward f"), "full");
    assert_eq!(complete("numgrad-train --dataset s"), "synthetic");
}

#[test]
fn the_manual_page_has_every_flag_of_the_help() {
    let folder = TempDir::new().unwrap();
    let page = stdout(&run(&folder, "--man").success().stderr(""));
    assert!(page.contains(".TH numgrad-train 1") && page.contains(".SH SYNOPSIS"), "{page}");
    let help = stdout(&run(&folder, "--help").success());
    let flags: Vec<_> = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 4).collect();
    assert!(flags.len() > 20);
    // roff writes a hyphen as `\-`.
    let page = page.replace('\\', "");
    for flag in flags {
        let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        assert!(page.contains(flag), "the page lacks {flag}");
    }
}

#[test]
fn describing_itself_works_whatever_the_environment_says() {
    let folder = TempDir::new().unwrap();
    for flags in ["--man", "--completions fish"] {
        train(&folder)
            .args(flags.split(' '))
            .env("NUMGRAD_DATA_DIR", "/nonexistent")
            .env("NUMGRAD_ISA", "mmx")
            .assert()
            .success();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = TempDir::new().unwrap();
    for args in ["--man", "--completions zsh", "--dataset synthetic -n 1 --quiet --check-gradient --out run"] {
        let mut command = process("numgrad-train", &folder);
        command.args(args.split(' '));
        succeeds_without_a_reader(command);
    }
}
