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

/// How many points the path of a curve leads through.
fn points(path: &str) -> usize {
    let d = path.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    d.replace(['M', 'L'], " ").split_whitespace().count() / 2
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
        let curves: Vec<&str> = first.split("<path class=\"line\"").skip(1).collect();
        assert!(curves.len() >= 2, "{} has {} curves", page.display(), curves.len());
        // In the chart and in its legend.
        assert_eq!(first.matches("class=\"level\"").count(), 2, "{}", page.display());
        let longest = curves.iter().map(|curve| points(curve)).max();
        // A point for each iteration; where curves lie on each other there are only the means, of which the ends have none.
        assert!(longest >= Some(58), "{longest:?}");
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

#[test]
fn the_pointer_shows_the_iteration_and_the_values_beside_it() {
    let (_folder, pages) = pages();
    let script = "const svg = document.querySelector('.chart .wide svg'), box = svg.getBoundingClientRect();\
                  const [left, right] = svg.dataset.frame.split(' ').map(Number), zoom = box.width / 960;\
                  const at = (29 / 59) * (right - left) + left, figure = svg.closest('figure');\
                  const before = figure.querySelector('.tip').hidden;\
                  svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + at * zoom, clientY: box.top + 99 }));\
                  const told = [...figure.querySelectorAll('.tip div')].map(row => row.textContent).join(' / ');\
                  const cursor = figure.querySelectorAll('.cursor').length;\
                  svg.dispatchEvent(new PointerEvent('pointerleave', {}));\
                  return [before, told, cursor, figure.querySelector('.tip').hidden].join(' | ')";
    let Some(found) = measured(&pages[0], "1100,900", script, &[]) else { return };
    let records = crate::support::programs::records(pages[0].parent().unwrap());
    let parts: Vec<&str> = found.split(" | ").collect();
    assert_eq!((parts[0], parts[2], parts[3]), ("true", "1", "true"), "{found}");
    let rows: Vec<&str> = parts[1].split(" / ").collect();
    assert_eq!(rows[0], "iteration 30", "{found}");
    let loss = rows.iter().find_map(|row| row.strip_prefix("each batch: ")).unwrap();
    assert!((loss.parse::<f64>().unwrap() - records[29].loss).abs() < 1e-3, "{found}");
    assert!(rows[2].starts_with("mean of 5 iterations: "), "{found}");
}

#[test]
fn a_curve_is_switched_off_and_on_by_its_name() {
    let (_folder, pages) = pages();
    // The accuracies: two curves of their own.
    let script = "const svg = document.querySelectorAll('.chart .wide svg')[1];\
                  const shown = () => [...svg.querySelectorAll('g[data-curve]')].filter(g => g.style.display !== 'none').length;\
                  const entries = svg.querySelectorAll('.entry'), told = [shown()];\
                  entries[0].dispatchEvent(new MouseEvent('click')); told.push(shown(), entries[0].getAttribute('aria-pressed'));\
                  entries[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' })); told.push(shown());\
                  return told.join(' ')";
    let Some(found) = measured(&pages[0], "1100,900", script, &[]) else { return };
    assert_eq!(found, "2 1 false 2");
}

#[test]
fn the_axis_of_losses_becomes_logarithmic_and_back() {
    let (_folder, pages) = pages();
    let script = "const figure = document.querySelector('.chart'), button = figure.querySelector('.tools button');\
                  const state = () => [...figure.querySelectorAll('.line, .y-numbers')].map(e => e.getAttribute('d') || e.textContent).join();\
                  const before = state(); button.click(); const between = state(), text = figure.querySelector('.y-numbers').textContent;\
                  button.click();\
                  return [before !== between, before === state(), /NaN|Infinity/.test(between), text.trim().length > 0].join(' ')";
    for page in &pages {
        let Some(found) = measured(page, "1100,900", script, &[]) else { return };
        assert_eq!(found, "true true false true", "{}", page.display());
    }
}

#[test]
fn a_saved_picture_is_a_whole_file_in_the_colours_of_light_paper() {
    let (_folder, pages) = pages();
    let script = "let saved = ''; HTMLAnchorElement.prototype.click = function () { saved = this.download + ' ' + this.href };\
                  document.querySelectorAll('.chart .tools button')[1].click();\
                  const svg = new DOMParser().parseFromString(decodeURIComponent(saved.split(',').slice(1).join(',')), 'image/svg+xml');\
                  return [saved.split(' ')[0], svg.documentElement.tagName, svg.querySelector('rect').getAttribute('fill'),\
                          svg.querySelectorAll('.line').length > 1].join(' ')";
    let Some(found) = measured(&pages[0], "1100,900", script, &[]) else { return };
    assert_eq!(found, "loss.svg svg #ffffff true");
}

#[test]
fn without_scripts_a_page_has_its_curves_and_no_buttons() {
    let (folder, pages) = pages();
    // In a frame whose own scripts may not run.
    let frame = folder.path().join("frame.html");
    let source = pages[0].strip_prefix(folder.path()).unwrap().display();
    let html = format!(
        "<!DOCTYPE html><title>t</title><body><iframe sandbox=\"allow-same-origin\" src=\"{source}\" width=\"1000\"></iframe>\
         <script>onload = () => {{ const d = frames[0].document, n = name => d.querySelectorAll(name).length;\
         document.title = [n('.line') > 3, n('button'), n('.tip'), n('[role=button]')].join(' ') }}</script></body>"
    );
    fs::write(&frame, html).unwrap();
    let Some(output) = chromium(&frame, &["--dump-dom", "--allow-file-access-from-files"]) else { return };
    let dom = String::from_utf8(output.stdout).unwrap();
    assert!(dom.contains("<title>true 0 0 0</title>"), "{dom:.300}");
}
