//! `report.html` of a run, and `numgrad-report`: what the pages say, what they weigh, and what is refused.

use std::fs;
use std::path::Path;

use crate::support::programs;
use assert_cmd::Command;
use numgrad::report::chart::Size;
use numgrad::report::{Language, Run, Stopped, Summary};
use predicates::prelude::*;
use tempfile::TempDir;

/// A program, by what its name ends with, and its arguments.
fn program(folder: &TempDir, args: &str) -> Command {
    let (name, args) = args.split_once(' ').unwrap();
    let mut command = programs::program(&format!("numgrad-{name}"), folder);
    command.args(args.split_whitespace());
    command
}

fn run(folder: &TempDir, args: &str) -> assert_cmd::assert::Assert {
    program(folder, args).assert()
}

fn page(folder: &TempDir, name: &str) -> String {
    let page = fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    // The letters of base64 may spell anything.
    let text = page.split("base64,").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest));
    assert!(text.into_iter().all(|text| !text.contains("NaN")), "{name}");
    // Nothing is asked of a network: the only script stands within the page, and so do the curves that it shows; the only
    // addresses are data, or the name of SVG.
    let n_charts = page.matches("<figure class=\"chart\">").count();
    assert_eq!(page.matches("<script type=\"application/json\">").count(), n_charts);
    assert_eq!((page.matches("<script>").count(), page.matches("<script").count()), (1, n_charts + 1));
    assert!(!page.contains("fetch(") && !page.contains("url(") && !page.contains("@import"));
    for attribute in ["src=\"", "href=\""] {
        assert!(page.split(attribute).skip(1).all(|rest| rest.starts_with("data:")), "{name}");
    }
    page
}

#[test]
fn a_run_on_digits_leaves_a_page_that_shows_all_that_came_of_it() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset embedded --init normal --hidden 12 -n 40 --eval-every 10 --quiet --out run")
        .success();
    let page = page(&folder, "run/report.html");
    let summary = Summary::read(&folder.path().join("run/run.json")).unwrap();
    let accuracy = format!("{:.2}%", 100.0 * summary.test_accuracy.unwrap());
    let title = "<title>run \u{2013} a run of numgrad-train</title>";
    for part in [
        title,
        "lang=\"en\"",
        "ln 10 = 2.3026",
        "mean of 5 iterations",
        "One derivative, worked out",
        "L(w + h)",
        "Why they look like this",
        "<th scope=\"row\">30</th>",
        "Length of the gradient",
        "Confusion matrix",
        "Worst mistakes",
        "Each of the 12 hidden units",
        "784-12-10",
        "numerical, incremental",
        &accuracy,
        "Accuracy",
    ] {
        assert!(page.contains(part), "the page lacks \"{part}\"");
    }
    // Loss, accuracy and the length of the gradient, each wide and narrow.
    assert_eq!(page.matches("<svg ").count(), 6);
    // The test set's thousand digits, each in one cell of the table.
    let cells = page.split("--shade:").skip(1).map(|rest| rest.split_once('>').unwrap().1);
    let counts: Vec<usize> = cells.map(|rest| rest.split_once('<').unwrap().0.parse().unwrap()).collect();
    assert_eq!((counts.len(), counts.iter().sum::<usize>()), (100, 1000));
    let n_right: usize = counts.iter().step_by(11).sum();
    assert_eq!(Some(n_right as f64 / 1000.0), summary.test_accuracy);
    assert!(page.len() < 300_000, "{} bytes", page.len());
    // Every picture says what it is.
    assert!(page.split("<img ").skip(1).all(|image| image.split_once('>').unwrap().0.contains("alt=\"")));
}

#[test]
fn a_page_stays_small_for_long_runs_wide_networks_and_many_classes() {
    let folder = TempDir::new().unwrap();
    let runs = [
        ("long", "--dataset synthetic -n 20000 --gradient backprop --batch-size 2 --checkpoint-every 1000s"),
        ("measured", "--dataset synthetic -n 3000 --gradient backprop --batch-size 2 --eval-every 1"),
        ("wide", "--dataset embedded -n 1 --gradient backprop --init normal --hidden 700"),
        ("classes", "--dataset embedded -n 2 --gradient backprop --classes 256"),
        ("one", "--dataset synthetic -n 1"),
    ];
    for (name, args) in runs {
        run(&folder, &format!("train {args} --quiet --out {name}")).success();
        let page = page(&folder, &format!("{name}/report.html"));
        assert!(page.len() < 500_000, "{name}: {} bytes", page.len());
    }
    assert!(page(&folder, "wide/report.html").contains("The first 100 of 700 hidden units"));
    let classes = page(&folder, "classes/report.html");
    assert!(classes.contains("Confusion matrix of 256 classes") && !classes.contains("class=\"confusion\""));
    // Synthetic inputs are no pictures, and there is no test set.
    let one = page(&folder, "one/report.html");
    assert!(one.contains("training set") && !one.contains("<img "));
    assert!(!one.contains("Test accuracy"));
}

#[test]
fn several_runs_are_compared_with_what_differs_and_what_does_not() {
    let folder = TempDir::new().unwrap();
    for how in ["--forward full", "--forward incremental", "--gradient backprop"] {
        let name = how.split(' ').next_back().unwrap();
        run(
            &folder,
            &format!("train --dataset synthetic --batch-size 20 --init normal {how} -n 30 --quiet --out {name}"),
        )
        .success();
    }
    run(&folder, "report full incremental backprop").success().stdout("comparison.html\n").stderr("");
    let text = page(&folder, "comparison.html");
    for part in [
        "full, incremental, backprop",
        "Over the 30 iterations that all of them have, the losses differ by less than",
        "The curves lie on each other",
        "Loss by iteration",
        "Loss by seconds",
        "numerical, full",
        "numerical, incremental",
    ] {
        assert!(text.contains(part), "the page lacks \"{part}\"");
    }
    let differing = text.split("<h2>Settings that differ").nth(1).unwrap().split("Settings they share").next().unwrap();
    assert!(differing.contains(">Gradient</th>") && !differing.contains("Learning rate"), "{differing}");

    // Runs that go apart say by how much, and a name that two have is told apart by the path.
    run(&folder, "train --dataset synthetic --init normal --seed 7 -n 5 --quiet --out other/full").success();
    run(&folder, "report full other/full --out two.html").success();
    let text = page(&folder, "two.html");
    assert!(text.contains("Over the 5 iterations") && text.contains("differ by up to 0."));
    assert!(text.contains("<h1>full, other/full</h1>"));
}

#[test]
fn a_page_is_not_replaced_without_force() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out a").success();
    run(&folder, "train --dataset synthetic -n 3 --quiet --out b").success();
    let before = page(&folder, "a/report.html");
    let refused = |args: &str, file: &str| {
        let words = predicate::str::starts_with(format!("error: --out {file}: the file is there already"));
        run(&folder, args).code(1).stdout("").stderr(words.and(predicate::str::contains("--force")));
    };
    refused("report a", &programs::shown("a/report.html"));
    assert_eq!(page(&folder, "a/report.html"), before);
    run(&folder, "report a --force").success().stdout(programs::shown("a/report.html") + "\n");
    let after = page(&folder, "a/report.html");
    assert!(after.contains("they were not at hand") && !after.contains("Confusion matrix"));
    run(&folder, "report a b").success();
    refused("report a b", "comparison.html");
    run(&folder, "report a b --out a").code(1).stderr(predicate::str::contains("--out a: expected a file"));
    // Continuing a run that is done writes the whole page again.
    run(&folder, "train --resume a --quiet").success();
    assert!(page(&folder, "a/report.html").contains("Confusion matrix"));
}

#[test]
fn a_runs_own_files_are_not_replaced_even_with_force() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out a").success();
    run(&folder, "train --dataset synthetic -n 3 --quiet --out b").success();
    let content = |file: &str| fs::read(folder.path().join("a").join(file)).unwrap();
    for file in
        [".lock", "checkpoint.npz", "first-layer.npz", "loss.csv", "loss.svg", "model.npz", "report.html", "run.json"]
    {
        let before = if file == "first-layer.npz" { Vec::new() } else { content(file) };
        for (args, flag) in [
            ("report a b --force --out", "--out"),
            ("report b --force --out", "--out"),
            ("train --dataset synthetic --force --step-study", "--step-study"),
            ("train --dataset synthetic -n 1 --force --out c --save-gradient", "--save-gradient"),
        ] {
            let words = predicate::str::contains(format!("{flag} b/../a/{file}: a run's own file has that name there"));
            run(&folder, &format!("{args} b/../a/{file}")).code(1).stdout("").stderr(words);
        }
        assert!(file == "first-layer.npz" || content(file) == before, "{file}");
    }
    // Its page is one run's own, and other names are anybody's.
    run(&folder, "report a --force --out ./b/../a/report.html").success();
    run(&folder, "report a b --out a/with-b.html").success();
    run(&folder, "report a b --out loss.csv").success();
}

#[test]
fn what_is_no_run_is_named() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out good").success();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out bad").success();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let refused = |args: &str, words: &str| {
        let stderr = predicate::str::starts_with("error: ").and(predicate::str::contains(words));
        run(&folder, args).code(1).stdout("").stderr(stderr.and(predicate::str::contains("panicked").not()));
    };
    refused("report good nowhere", "nowhere: expected the folder of a run, found no folder");
    refused("report empty", "empty: expected the folder of a run, found no run.json");
    refused("report good/loss.csv", "good/loss.csv: expected the folder of a run, found a file");
    run(&folder, "report --out x.html").code(2);

    let damage = |file: &str, content: &[u8], words: &str| {
        let path = folder.path().join("bad").join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        refused("report good bad", &programs::shown(&format!("bad/{file}: ")));
        refused("report good bad", words);
        fs::write(&path, before).unwrap();
    };
    let json = fs::read_to_string(folder.path().join("bad/run.json")).unwrap();
    damage("run.json", b"{", "damaged");
    damage("run.json", json.replace("\"classes\": 10", "\"classes\": 1000").as_bytes(), "2 to 256 classes");
    damage("run.json", json.replace("\"hidden\": [\n    10", "\"hidden\": [\n    11").as_bytes(), "parameters");
    damage("run.json", json.replace("\"hidden\": [\n    10", "\"hidden\": [\n    0").as_bytes(), "one or more units");
    damage("run.json", json.replace("\"input_size\": 100", "\"input_size\": 0").as_bytes(), "one input or more");
    damage("run.json", json.replace("\"iterations_done\": 2", "\"iterations_done\": 3").as_bytes(), "at most 2");
    // What a later version may write is told from damage.
    let later = json.replace("\"version\": \"", "\"version\": \"9.").replace("uniform", "orthogonal");
    damage("run.json", later.as_bytes(), "orthogonal");
    damage("run.json", later.as_bytes(), "(it was written by version 9.");
    let log = fs::read_to_string(folder.path().join("bad/loss.csv")).unwrap();
    damage("loss.csv", log.lines().next().unwrap().as_bytes(), "expected 2 iterations, found 0");
    damage("loss.csv", log.replace("\n2,", "\nx,").as_bytes(), "damaged");
    damage("model.npz", b"PK", "archive");
    fs::remove_file(folder.path().join("bad/run.json")).unwrap();
    refused("report bad", "--resume");
    // Which cannot continue a run without its log.
    fs::remove_file(folder.path().join("bad/loss.csv")).unwrap();
    refused("report bad", "bad: expected the folder of a run, found no run.json in it\n");
    assert!(!folder.path().join("comparison.html").exists());
}

#[test]
fn what_is_no_run_among_several_is_left_out_with_a_line_each() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out a").success();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out b").success();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let lines = "left out: empty: expected the folder of a run, found no run.json in it\n\
                 left out: notes.txt: expected the folder of a run, found a file\n";
    run(&folder, "report a empty b notes.txt").success().stdout("comparison.html\n").stderr(lines);
    assert!(page(&folder, "comparison.html").contains("a, b"));
    // One run that is left has its own page.
    run(&folder, "report empty a --force").success().stdout(programs::shown("a/report.html") + "\n");
    // Where the shell leaves the star to the program, as on Windows.
    let others = "left out: empty: expected the folder of a run, found no run.json in it\n";
    run(&folder, "report e* a b --force").success().stdout("comparison.html\n").stderr(others);
    let error = format!("{lines}error: expected the folders of runs, found none among these 2\n");
    run(&folder, "report empty notes.txt").code(1).stdout("").stderr(error);
    // A run that is named twice is taken once.
    let twice = "left out: ./a: the same as a\n";
    run(&folder, "report a ./a b --force").success().stdout("comparison.html\n").stderr(twice);
    assert!(page(&folder, "comparison.html").contains("a, b"));
    // A name that leads nowhere is a slip.
    let nowhere = predicate::str::contains("error: nowhere: expected the folder of a run, found no folder");
    run(&folder, "report a nowhere b --force").code(1).stdout("").stderr(nowhere);
}

#[cfg(unix)]
#[test]
fn a_run_is_taken_once_where_a_link_leads_to_it() {
    let folder = TempDir::new().unwrap();
    for name in ["run-1", "run-2"] {
        run(&folder, &format!("train --dataset synthetic -n 2 --quiet --out results/{name}")).success();
    }
    std::os::unix::fs::symlink("run-2", folder.path().join("results/latest")).unwrap();
    let left_out = "left out: results/latest: the same as results/run-2\n";
    run(&folder, "report results/*").success().stdout("comparison.html\n").stderr(left_out);
    assert!(page(&folder, "comparison.html").contains("run-1, run-2"));
}

#[test]
fn a_page_that_cannot_be_replaced_is_kept_beside_it_and_named() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out a").success();
    // Windows replaces no file that another program shows; no system replaces a folder by a file.
    let old = folder.path().join("a/report.html");
    fs::remove_file(&old).unwrap();
    fs::create_dir(&old).unwrap();
    let (old, new) = (programs::shown("a/report.html"), programs::shown("a/report.new.html"));
    let words = [format!("error: cannot replace {old} ("), format!("The new one is {new}")];
    let stderr = predicate::str::contains(&words[0]).and(predicate::str::contains(&words[1]));
    // All iterations are done, and the page is written anew; the summary is told all the same.
    run(&folder, "train --resume a --quiet").code(1).stdout(predicate::str::contains("Final loss:")).stderr(stderr);
    assert!(page(&folder, "a/report.new.html").contains("training set"));
    // Where there is something to compute, that is said before, and nothing is lost.
    for args in ["train --resume a -n 4 --quiet", "train --dataset synthetic -n 2 --quiet --out a --force"] {
        let words = format!("cannot replace {old} (if another program has it open, close it there)");
        run(&folder, args).code(1).stdout("").stderr(predicate::str::contains(words));
        for file in ["run.json", "checkpoint.npz", "loss.csv", "model.npz", "report.new.html"] {
            assert!(folder.path().join("a").join(file).exists(), "{args}: {file}");
        }
    }
}

#[test]
fn a_run_that_learned_nothing_is_told_which_flags_to_change() {
    let folder = TempDir::new().unwrap();
    let digits = "train --dataset embedded --gradient backprop";
    let told = |args: &str, out: &str, words: &[&str]| {
        let assert = run(&folder, &format!("{digits} {args} --out {out}")).success();
        let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        let note = stderr.lines().find(|line| line.starts_with("note: "));
        match note {
            Some(note) => assert!(words.iter().all(|word| note.contains(word)) && !words.is_empty(), "{out}: {note}"),
            None => assert!(words.is_empty(), "{out}: {stderr}"),
        }
        // The page tells it too.
        let page = page(&folder, &format!("{out}/report.html"));
        assert_eq!(page.contains("class=\"notice\""), note.is_some(), "{out}");
    };
    told("", "few", &["After 100 iterations", "by chance", "--iterations 1000", "--learning-rate 1,", "--init normal"]);
    told("-n 30 --learning-rate 100", "fast", &["above", "--learning-rate 100 is"]);
    told("-n 30 --init-scale 10", "large", &["above", "--init-scale 10 draws"]);
    told("-n 100 --learning-rate 1", "good", &[]);
    // The labels of the synthetic data can't be learned, and nothing is said where quiet was asked for.
    let stderr = predicate::str::contains("note").not();
    run(&folder, "train --dataset synthetic -n 5 --out synthetic").success().stderr(stderr);
    run(&folder, &format!("{digits} -n 5 --quiet --out quiet")).success().stderr("");
    // Of several runs each is named.
    let note = |name: &str| predicate::str::contains(format!("note: {name}: "));
    run(&folder, "report few good fast").success().stderr(note("few").and(note("fast")).and(note("good").not()));
    assert_eq!(page(&folder, "comparison.html").matches("class=\"notice\"").count(), 2);
}

#[test]
fn a_run_that_stopped_for_a_reason_of_a_later_version_is_shown_with_the_reason() {
    let folder = TempDir::new().unwrap();
    run(&folder, "train --dataset synthetic -n 2 --quiet --out run").success();
    let path = folder.path().join("run/run.json");
    let json = fs::read_to_string(&path).unwrap();
    let reason = "iteration 3: the machine was sold";
    fs::write(&path, json.replace("\"stopped\": null", &format!("\"stopped\": \"{reason}\""))).unwrap();
    run(&folder, "report run --force").success();
    assert!(page(&folder, "run/report.html").contains(reason));
    let summary = Run::read(&folder.path().join("run")).unwrap().summary;
    assert_eq!((summary.ended(), summary.stopped), (None, Some(Stopped::Other(reason.to_owned()))));
}

#[test]
fn the_runs_before_there_were_pages_are_still_read() {
    let article = Run::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("results/article")).unwrap();
    assert_eq!((article.summary.iterations_done(), article.curves.loss.len()), (100, 100));
    assert_eq!(article.summary.dataset.image_size, Some((28, 28)));
}

#[test]
fn a_page_says_why_the_derivatives_of_a_rectifier_at_its_kink_differ() {
    let folder = TempDir::new().unwrap();
    for (activation, is_told) in [("relu", true), ("sigmoid", false)] {
        let args = "--dataset embedded --hidden 30,20 --init normal --init-scale he -n 1 --quiet --lang en --force";
        run(&folder, &format!("train {args} --activation {activation} --out run")).success();
        assert_eq!(page(&folder, "run/report.html").contains("across 0, where their slope changes"), is_told);
    }
}

/// What `results/article/README.md` says of them.
#[test]
fn the_page_and_the_picture_of_the_articles_run_are_as_the_program_draws_them() {
    let folder = TempDir::new().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/article");
    fs::create_dir_all(folder.path().join("results/article")).unwrap();
    for file in ["loss.csv", "run.json"] {
        fs::copy(kept.join(file), folder.path().join("results/article").join(file)).unwrap();
    }
    run(&folder, "report results/article --lang en").success();
    let is_kept = |file: &str, drawn: &str| fs::read_to_string(kept.join(file)).unwrap() == drawn;
    let again = "numgrad-report results/article --lang en --force";
    assert!(is_kept("report.html", &page(&folder, "results/article/report.html")), "draw it anew: {again}");
    let chart = Run::read(&kept).unwrap().loss_chart(Language::English);
    assert!(is_kept("loss.svg", &chart.svg(Size::WIDE)), "the picture is another now");
}

/// Calls whatever `xdg-open` is first on the path.
#[cfg(target_os = "linux")]
#[test]
fn open_shows_the_page_and_a_machine_that_cannot_is_no_obstacle() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for args in ["train --dataset synthetic -n 1 --quiet --open --out a", "report a --force --open"] {
        let warning = predicate::str::starts_with("warning: no browser shows a/report.html");
        program(&folder, args).env("PATH", &bin).assert().success().stderr(warning);
    }
    let (opener, shown) = (bin.join("xdg-open"), folder.path().join("shown"));
    fs::write(&opener, format!("#!/bin/sh\necho \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n", shown.display()))
        .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    program(&folder, "train --dataset synthetic -n 1 --quiet --open --out b")
        .env("PATH", path)
        .assert()
        .success()
        .stderr("");
    while !shown.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let page = fs::canonicalize(folder.path().join("b/report.html")).unwrap();
    assert_eq!(fs::canonicalize(fs::read_to_string(&shown).unwrap().trim_end()).unwrap(), page);
}

#[test]
fn a_page_is_in_the_language_of_the_flag_or_of_the_locale() {
    let folder = TempDir::new().unwrap();
    let train = "train --dataset embedded --hidden 3 -n 2 --gradient backprop --quiet --out";
    program(&folder, &format!("{train} ja")).env("LC_ALL", "ja_JP.UTF-8").assert().success();
    program(&folder, &format!("{train} en --lang en")).env("LC_ALL", "ja_JP.UTF-8").assert().success();
    let (japanese, english) = (page(&folder, "ja/report.html"), page(&folder, "en/report.html"));
    for part in
        ["lang=\"ja\"", "混同行列", "誤差逆伝播法", "学習率", "数値微分の計算例", "当てずっぽう: ln 10 = 2.3026"]
    {
        assert!(japanese.contains(part), "the page lacks \"{part}\"");
    }
    assert!(!japanese.contains("Confusion matrix") && english.contains("Confusion matrix"));
    run(&folder, "report ja en --lang ja").success();
    let comparison = page(&folder, "comparison.html");
    assert!(comparison.contains("共通の設定"));
    assert!(!comparison.contains("Settings"));
    run(&folder, "report ja --force --lang de").code(2).stderr(predicate::str::contains("--lang"));
}
