//! The pages in a real browser: headless Chromium draws them, without a word in its console.
//!
//! Skipped, with a word about it, where there is no Chromium (Debian's package `chromium`).

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::programs::program;
use tempfile::TempDir;

/// Opens a page in a profile of its own. `None` where there is no Chromium.
fn chromium(page: &Path, args: &[&str]) -> Option<Output> {
    let profile = TempDir::new().unwrap();
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--hide-scrollbars", "--enable-logging=stderr"]).args(args);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("file://{}", page.display()));
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(output)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: there is no chromium");
            None
        }
        Err(error) => panic!("chromium: {error}"),
    }
}

fn console(output: &Output) -> Vec<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect()
}

fn numgrad(folder: &TempDir, name: &str, args: &str) {
    program(&format!("numgrad-{name}"), folder).args(args.split_whitespace()).assert().success();
}

/// Two runs, and the pages of both and of the two together.
fn pages() -> (TempDir, [std::path::PathBuf; 3]) {
    let folder = TempDir::new().unwrap();
    let args = "--dataset embedded --init normal --hidden 8 -n 60 --eval-every 20 --quiet";
    numgrad(&folder, "train", &format!("{args} --out numerical"));
    numgrad(&folder, "train", &format!("{args} --gradient backprop --out backprop"));
    numgrad(&folder, "report", "numerical backprop");
    let pages = ["numerical/report.html", "backprop/report.html", "comparison.html"];
    let pages = pages.map(|page| folder.path().join(page));
    (folder, pages)
}

/// Whether the console is listened to: or its silence would say nothing.
#[test]
fn a_page_with_a_fault_would_be_noticed() {
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("page.html");
    fs::write(&page, "<!DOCTYPE html><title>t</title><script>nothing.at.all</script>").unwrap();
    let Some(output) = chromium(&page, &["--dump-dom"]) else { return };
    assert_eq!(console(&output).len(), 1, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_page_has_its_curves_and_nothing_in_the_console() {
    let (_folder, pages) = pages();
    for page in &pages {
        let Some(output) = chromium(page, &["--dump-dom"]) else { return };
        assert_eq!(console(&output), [""; 0], "{}", page.display());
        let dom = String::from_utf8(output.stdout).unwrap();
        // Two drawings of each of two or three charts, with the line of chance and two curves at least in the first.
        assert!(dom.matches("<svg ").count() >= 4, "{}", page.display());
        let first = dom.split("<svg ").nth(1).unwrap().split("</svg>").next().unwrap();
        let curves: Vec<&str> = first.split("<polyline ").skip(1).collect();
        assert!(curves.len() >= 2, "{} has {} curves", page.display(), curves.len());
        assert_eq!(first.matches("class=\"level\"").count(), 1, "{}", page.display());
        let longest = curves.iter().map(|curve| curve.split("/>").next().unwrap().matches(',').count()).max();
        assert_eq!(longest, Some(60), "a point for each iteration");
    }
}

/// A script that is added to a copy of the page measures what a reader would see.
fn measured(page: &Path, size: &str, script: &str, args: &[&str]) -> Option<String> {
    let html = fs::read_to_string(page).unwrap();
    let copy = page.with_file_name("measured.html");
    let script = format!("<script>document.title = (() => {{ {script} }})()</script></body>");
    fs::write(&copy, html.replace("</body>", &script)).unwrap();
    let window = format!("--window-size={size}");
    let output = chromium(&copy, &[&["--dump-dom", &window], args].concat())?;
    assert_eq!(console(&output), [""; 0]);
    let dom = String::from_utf8(output.stdout).unwrap();
    let title = dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    Some(title.to_owned())
}

#[test]
fn on_a_phone_the_narrow_charts_are_shown_and_nothing_is_wider_than_the_screen() {
    let (folder, pages) = pages();
    // Chromium's window is never as narrow as a phone; a frame is.
    for page in &pages {
        let frame = folder.path().join("frame.html");
        let source = page.strip_prefix(folder.path()).unwrap().display();
        let html = format!(
            "<!DOCTYPE html><title>t</title><body><iframe src=\"{source}\" style=\"width:360px;height:740px;border:0\"></iframe>\
             <script>onload = () => {{ const d = frames[0].document, w = frames[0];\
             const shown = name => [...d.querySelectorAll('.chart .' + name)].filter(e => e.offsetWidth > 0).length;\
             const scale = d.querySelector('.chart .narrow svg').getBoundingClientRect().width / 400;\
             document.title = [shown('wide'), shown('narrow') > 0, d.documentElement.scrollWidth, scale > 0.75].join(' ') }}\
             </script></body>"
        );
        fs::write(&frame, html).unwrap();
        let Some(output) = chromium(&frame, &["--dump-dom", "--allow-file-access-from-files"]) else { return };
        let dom = String::from_utf8(output.stdout).unwrap();
        // Text of 13 to 14 pixels at more than three quarters.
        assert!(dom.contains("<title>0 true 360 true</title>"), "{}: {dom:.300}", page.display());
    }
}

#[test]
fn a_dark_screen_gets_a_dark_page_with_dark_charts() {
    let (_folder, pages) = pages();
    let script = "const fill = getComputedStyle(document.querySelector('.chart .wide rect')).fill;\
                  return [getComputedStyle(document.body).backgroundColor, fill].join(' / ')";
    for (scheme, colour) in [("1", "rgb(255, 255, 255)"), ("0", "rgb(24, 26, 29)")] {
        let flag = format!("--blink-settings=preferredColorScheme={scheme}");
        let Some(found) = measured(&pages[0], "1100,900", script, &[&flag]) else { return };
        assert_eq!(found, format!("{colour} / {colour}"));
    }
}
