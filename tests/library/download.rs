//! The downloader against a real HTTP server on the loopback interface, which behaves well and badly.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::idx_files::{gzip, labels};
use crate::support::mnist;
use numgrad::dataset::download::{Downloader, Limits, Observer, RemoteFile};
use numgrad::dataset::{self, Error, Name, Request};
use numgrad::random::LegacyRandom;
use sha2::{Digest, Sha256};

/// What the server does when it is asked for a path.
enum Reply {
    Status(u16),
    /// The whole body, its length announced.
    Body(Vec<u8>),
    /// The whole body, whose end is the end of the connection.
    Unannounced(Vec<u8>),
    /// A longer body is announced than comes.
    CutOff(Vec<u8>),
    /// What comes is followed by nothing, with the connection left open.
    Stall(Vec<u8>),
    /// As many bytes are announced, and none comes.
    Announce(u64),
    Endless,
    /// A few bytes now and then, for ever.
    Trickle,
    /// No answer at all.
    Silence,
    Redirect(String),
    /// What a proxy says to `CONNECT`; what is asked for after it is answered as if it were the other end.
    Connected,
}

/// Serves on a port of its own and remembers the paths that it was asked for. Its threads end with the test's process.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What a server replies to a path that was asked for so often before.
type ReplyTo = dyn Fn(&str, usize) -> Reply + Send + Sync;

impl Server {
    /// `reply` is given the path and how often it was asked for before.
    fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Arc::new(reply))
    }

    /// Compiled once, and not for each of the tests' closures.
    fn start_with(reply: Arc<ReplyTo>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, log) = (reply.clone(), log.clone());
                thread::spawn(move || answer(stream.unwrap(), &*reply, &log));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, reply: &ReplyTo, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let n_before = {
        let mut log = log.lock().unwrap();
        log.push(path.clone());
        log.iter().filter(|asked| **asked == path).count() - 1
    };
    let mut stream = &stream;
    let head = |status: &str, headers: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let length = |n: usize| format!("Content-Length: {n}\r\n");
    let for_ever = Duration::from_secs(3600);
    match reply(&path, n_before) {
        Reply::Status(status) => stream.write_all(head(&format!("{status} No"), &length(0)).as_bytes()),
        Reply::Body(body) => {
            stream.write_all(head("200 OK", &length(body.len())).as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Unannounced(body) => {
            stream.write_all(head("200 OK", "").as_bytes())?;
            stream.write_all(&body)
        }
        Reply::CutOff(body) => {
            stream.write_all(head("200 OK", &length(body.len() + 1)).as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Stall(body) => {
            stream.write_all(head("200 OK", &length(body.len() + 1)).as_bytes())?;
            stream.write_all(&body)?;
            thread::sleep(for_ever);
            Ok(())
        }
        Reply::Announce(n) => {
            stream.write_all(head("200 OK", &length(n as usize)).as_bytes())?;
            thread::sleep(for_ever);
            Ok(())
        }
        Reply::Endless => {
            stream.write_all(head("200 OK", "").as_bytes())?;
            loop {
                stream.write_all(&[0x1f; 4096])?;
            }
        }
        Reply::Trickle => {
            stream.write_all(head("200 OK", "").as_bytes())?;
            loop {
                stream.write_all(&[0x1f; 16])?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        Reply::Silence => {
            thread::sleep(for_ever);
            Ok(())
        }
        Reply::Connected => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            answer(stream.try_clone()?, reply, log)
        }
        Reply::Redirect(to) => {
            stream.write_all(head("302 Found", &format!("Location: {to}\r\n{}", length(0))).as_bytes())
        }
    }
}

/// A file that is made up, and how it is known to a downloader.
struct Made {
    content: Vec<u8>,
    compressed: Vec<u8>,
    sha256: String,
}

impl Made {
    fn new() -> Self {
        let bytes: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let content = labels(20_000, &bytes);
        let sha256 = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { compressed: gzip(&content), content, sha256 }
    }

    fn remote<'a>(&'a self, name: &'a str) -> RemoteFile<'a> {
        RemoteFile { name, n_bytes: self.content.len() as u64, sha256: &self.sha256 }
    }
}

/// Long enough for a loaded machine where an answer comes, short enough to wait for where none does.
const LIMITS: Limits =
    Limits { looking: Duration::from_secs(4), stall: Duration::from_secs(20), transfer: Duration::from_secs(20) };

fn downloader(servers: &[&Server]) -> Downloader {
    let mirrors: Vec<&str> = servers.iter().map(|server| server.url.as_str()).collect();
    Downloader::new(&mirrors, LIMITS).unwrap()
}

/// Downloads one file from the servers, and makes sure that a failure leaves nothing behind.
fn fetch_from(servers: &[&Server], made: &Made) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let result = downloader(servers).fetch(&made.remote("digits"), folder.path(), &mut ());
    match result {
        Ok(path) => {
            assert_eq!(path, folder.path().join("digits.gz"));
            assert_eq!(fs::read(&path).unwrap(), made.compressed);
            assert_eq!(names_in(folder.path()), ["digits.gz"]);
            Ok(())
        }
        Err(error) => {
            assert!(matches!(error, Error::Download { .. }), "{error}");
            assert_eq!(names_in(folder.path()), [""; 0], "something is left after: {error}");
            Err(error.to_string())
        }
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_file_arrives_verified_under_its_name_and_the_observer_sees_every_byte() {
    #[derive(Default)]
    struct Seen {
        started: Vec<(String, Option<u64>)>,
        n_bytes: u64,
        n_finished: u32,
    }
    impl Observer for Seen {
        fn started(&mut self, name: &str, n_bytes: Option<u64>) {
            self.started.push((name.into(), n_bytes));
        }
        fn advanced(&mut self, n_bytes: u64) {
            self.n_bytes += n_bytes;
        }
        fn finished(&mut self) {
            self.n_finished += 1;
        }
    }

    let made = Made::new();
    let body = made.compressed.clone();
    let size = body.len() as u64;
    let server = Server::start(move |_, _| Reply::Body(body.clone()));
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("made").join("on demand");
    let mut seen = Seen::default();
    let path = downloader(&[&server]).fetch(&made.remote("digits"), &folder, &mut seen).unwrap();
    assert_eq!(fs::read(path).unwrap(), made.compressed);
    assert_eq!(seen.started, [("digits.gz".to_owned(), Some(size))]);
    assert_eq!((seen.n_bytes, seen.n_finished), (size, 1));
    assert_eq!(server.asked(), ["/digits.gz"]);
}

#[test]
fn a_body_of_unannounced_length_arrives_as_well() {
    let made = Made::new();
    let body = made.compressed.clone();
    let server = Server::start(move |_, _| Reply::Unannounced(body.clone()));
    fetch_from(&[&server], &made).unwrap();
}

#[test]
fn after_a_404_the_second_mirror_is_asked_and_from_then_on_first() {
    let made = Made::new();
    let body = made.compressed.clone();
    let without = Server::start(|_, _| Reply::Status(404));
    let with = Server::start(move |_, _| Reply::Body(body.clone()));
    let folder = tempfile::tempdir().unwrap();
    let mut downloader = downloader(&[&without, &with]);
    downloader.fetch(&made.remote("a"), folder.path(), &mut ()).unwrap();
    downloader.fetch(&made.remote("b"), folder.path(), &mut ()).unwrap();
    assert_eq!(without.asked(), ["/a.gz"]);
    assert_eq!(with.asked(), ["/a.gz", "/b.gz"]);
}

#[test]
fn a_404_everywhere_is_not_asked_for_again_and_every_address_is_in_the_error() {
    let (one, two) = (Server::start(|_, _| Reply::Status(404)), Server::start(|_, _| Reply::Status(404)));
    let error = fetch_from(&[&one, &two], &Made::new()).unwrap_err();
    for server in [&one, &two] {
        assert!(
            error.contains(&format!("{}digits.gz: the server answers with HTTP status 404", server.url)),
            "{error}"
        );
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn wrong_content_is_never_kept_and_not_asked_for_again() {
    let made = Made::new();
    let mut other = made.content.clone();
    other[5000] ^= 1;
    let longer = [&made.content[..], &[0]].concat();
    let shorter = &made.content[1..];
    let bodies = [gzip(&other), gzip(&longer), gzip(shorter), b"<html>Please sign in</html>".to_vec()];
    for body in bodies {
        let server = Server::start(move |_, _| Reply::Body(body.clone()));
        let error = fetch_from(&[&server], &made).unwrap_err();
        assert!(error.contains("wrong content: expected"), "{error}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_gzip_bomb_is_wrong_content() {
    let made = Made::new();
    let bomb = gzip(&vec![0; 8 << 20]);
    assert!(bomb.len() < made.content.len() * 3);
    let server = Server::start(move |_, _| Reply::Body(bomb[..20_000.min(bomb.len())].to_vec()));
    let error = fetch_from(&[&server], &made).unwrap_err();
    assert!(error.contains("wrong content: expected 20008 bytes") && error.contains("found more"), "{error}");
}

#[test]
fn a_transfer_that_is_cut_off_is_begun_anew() {
    let made = Made::new();
    let body = made.compressed.clone();
    let half = body[..body.len() / 2].to_vec();
    let server = Server::start(move |_, n_before| match n_before {
        0 => Reply::CutOff(half.clone()),
        1 => Reply::Unannounced(half.clone()),
        _ => Reply::Body(body.clone()),
    });
    fetch_from(&[&server], &made).unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_transfer_that_is_always_cut_off_is_given_up_after_three_attempts() {
    let made = Made::new();
    let half = made.compressed[..made.compressed.len() / 2].to_vec();
    let server = Server::start(move |_, _| Reply::CutOff(half.clone()));
    let error = fetch_from(&[&server], &made).unwrap_err();
    assert!(error.contains("the transfer broke off after"), "{error}");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_busy_server_is_asked_again() {
    let made = Made::new();
    let body = made.compressed.clone();
    let server = Server::start(move |_, n_before| match n_before {
        0 => Reply::Status(503),
        1 => Reply::Status(429),
        _ => Reply::Body(body.clone()),
    });
    fetch_from(&[&server], &made).unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn redirects_are_followed() {
    let made = Made::new();
    let body = made.compressed.clone();
    let target = Server::start(move |_, _| Reply::Body(body.clone()));
    let to = format!("{}elsewhere/digits.gz", target.url);
    let server = Server::start(move |_, _| Reply::Redirect(to.clone()));
    fetch_from(&[&server], &made).unwrap();
    assert_eq!(target.asked(), ["/elsewhere/digits.gz"]);
}

#[test]
fn a_redirect_in_circles_is_an_error() {
    let server = Server::start(|_, _| Reply::Redirect("/digits.gz".into()));
    let error = fetch_from(&[&server], &Made::new()).unwrap_err();
    assert!(error.contains("too many redirects"), "{error}");
}

/// These wait for the limit, and would wait for an hour without it.
#[test]
fn mirrors_that_never_answer_end_the_search_when_its_time_is_up() {
    let (one, two) = (Server::start(|_, _| Reply::Silence), Server::start(|_, _| Reply::Announce(20_000)));
    let started = Instant::now();
    let error = fetch_from(&[&one, &two], &Made::new()).unwrap_err();
    assert!(started.elapsed() < 10 * LIMITS.looking);
    assert!(error.contains(&format!("{}digits.gz: no answer within 2.0 s", one.url)), "{error}");
    assert!(error.contains(&format!("{}digits.gz: ", two.url)), "{error}");
}

#[test]
fn the_time_for_looking_is_one_budget_for_all_files() {
    let server = Server::start(|_, _| Reply::Silence);
    let mut downloader = downloader(&[&server]);
    let (made, folder) = (Made::new(), tempfile::tempdir().unwrap());
    downloader.fetch(&made.remote("a"), folder.path(), &mut ()).unwrap_err();
    let error = downloader.fetch(&made.remote("b"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains("no time is left to ask it, as answers are waited for 4 s in all"), "{error}");
    assert_eq!(server.asked(), ["/a.gz"]);
}

#[test]
fn a_mirror_that_never_answers_leaves_the_next_one_its_share_of_the_time() {
    let made = Made::new();
    let body = made.compressed.clone();
    let silent = Server::start(|_, _| Reply::Silence);
    let good = Server::start(move |_, _| Reply::Body(body.clone()));
    fetch_from(&[&silent, &good], &made).unwrap();
}

#[test]
fn redirects_that_come_one_by_one_are_not_followed_beyond_the_time_for_looking() {
    let server = Server::start(|_, _| {
        thread::sleep(Duration::from_millis(300));
        Reply::Redirect("/digits.gz".into())
    });
    let limits = Limits { looking: Duration::from_secs(1), ..LIMITS };
    let folder = tempfile::tempdir().unwrap();
    let mut downloader = Downloader::new(&[&server.url], limits).unwrap();
    let error = downloader.fetch(&Made::new().remote("digits"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains("no answer within 1.0 s"), "{error}");
    assert!(server.asked().len() <= 4, "{:?}", server.asked());
}

#[test]
fn a_transfer_has_a_time_of_its_own_which_begins_with_its_first_bytes() {
    let server = Server::start(|_, _| Reply::Trickle);
    let limits =
        Limits { looking: Duration::from_millis(500), stall: LIMITS.stall, transfer: Duration::from_millis(1500) };
    let folder = tempfile::tempdir().unwrap();
    let mut downloader = Downloader::new(&[&server.url], limits).unwrap();
    let started = Instant::now();
    let error = downloader.fetch(&Made::new().remote("digits"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(started.elapsed() >= limits.transfer, "{error}");
    assert!(error.contains("the transfer broke off after") && error.contains("it takes too long"), "{error}");
    assert_eq!(server.asked().len(), 1);
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn a_transfer_that_stands_still_is_an_error() {
    let made = Made::new();
    let half = made.compressed[..made.compressed.len() / 2].to_vec();
    let server = Server::start(move |_, _| Reply::Stall(half.clone()));
    let limits = Limits { stall: Duration::from_millis(300), ..LIMITS };
    let folder = tempfile::tempdir().unwrap();
    let mut downloader = Downloader::new(&[&server.url], limits).unwrap();
    let error = downloader.fetch(&made.remote("digits"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains("nothing arrives any more"), "{error}");
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn a_server_that_sends_for_ever_or_announces_too_much_is_left() {
    for (announced, server) in
        [(false, Server::start(|_, _| Reply::Endless)), (true, Server::start(|_, _| Reply::Body(vec![0; 1 << 20])))]
    {
        let error = fetch_from(&[&server], &Made::new()).unwrap_err();
        assert!(error.contains("expected a file of at most 24304 bytes"), "{announced}: {error}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_refused_connection_is_an_error_that_names_the_address() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new();
    let mut downloader = Downloader::new(&[&url], LIMITS).unwrap();
    let error = downloader.fetch(&made.remote("digits"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains(&url) && error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn a_server_that_speaks_no_tls_is_an_error_that_names_the_address() {
    let server = Server::start(|_, _| Reply::Status(404));
    let url = server.url.replace("http://", "https://");
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new();
    let mut downloader = Downloader::new(&[&url], LIMITS).unwrap();
    let started = Instant::now();
    let error = downloader.fetch(&made.remote("digits"), folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains(&url) && !error.contains("HTTP status"), "{error}");
    assert!(started.elapsed() < 10 * LIMITS.looking);
    assert_eq!(names_in(folder.path()), [""; 0]);
}

/// The program, which has an environment of its own, with these variables, and with `home` for its cache and its run.
fn program(home: &Path, mirror: &str, variables: &[(&str, &str)]) -> std::process::Command {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("numgrad-train"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "NUMGRAD_DATA_DIR"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(variables.iter().copied()).env("XDG_CACHE_HOME", home).env("HOME", home);
    command.args(["--dataset", "mnist", "-n", "1", "--mirror", mirror, "--out"]).arg(home.join("run"));
    command
}

/// What the program says where it can't get MNIST.
fn stderr_of(mirror: &str, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = program(home.path(), mirror, variables).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_proxy_from_the_usual_variables_is_asked_but_not_for_this_machine() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        // It is asked for a connection, and then for the file.
        let proxy = Server::start(|path, _| {
            if path == "mirror.invalid:80" { Reply::Connected } else { Reply::Body(b"of another file".to_vec()) }
        });
        let stderr = stderr_of("http://mirror.invalid/mnist/", &[(variable, &proxy.url)]);
        let words = "http://mirror.invalid/mnist/train-labels-idx1-ubyte.gz: wrong content";
        assert!(stderr.contains(words), "{variable}: {stderr}");
        assert_eq!(proxy.asked(), ["mirror.invalid:80", "/mnist/train-labels-idx1-ubyte.gz"], "{variable}");
    }
    let proxy = Server::start(|_, _| Reply::Status(403));
    let stderr = stderr_of("http://mirror.invalid/mnist/", &[("ALL_PROXY", &proxy.url)]);
    assert!(stderr.contains("train-labels-idx1-ubyte.gz: ") && stderr.contains("proxy"), "{stderr}");
    for flag in ["(--data-dir)", "(--mirror)", "(--dataset embedded)", "\n  Why: "] {
        assert!(stderr.contains(flag), "{stderr}");
    }
    let asked = proxy.asked().len();
    assert!(asked > 0);

    stderr_of("http://mirror.invalid/mnist/", &[("ALL_PROXY", &proxy.url), ("NO_PROXY", "mirror.invalid")]);
    let server = Server::start(|_, _| Reply::Status(404));
    let stderr = stderr_of(&server.url, &[("ALL_PROXY", &proxy.url)]);
    assert!(stderr.contains("HTTP status 404"), "{stderr}");
    assert_eq!(proxy.asked().len(), asked);
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_and_not_gone_around() {
    for (variable, value) in [("ALL_PROXY", "socks5://127.0.0.1:1"), ("https_proxy", "no address at all")] {
        let stderr = stderr_of("http://mirror.invalid/mnist/", &[(variable, value)]);
        let words = "expected an address that begins with http:// or https://";
        assert!(stderr.contains(variable) && stderr.contains(words), "{stderr}");
    }
    // An empty variable is as good as none.
    let stderr = stderr_of("http://mirror.invalid/mnist/", &[("ALL_PROXY", "")]);
    assert!(!stderr.contains("proxy"), "{stderr}");
}

#[test]
fn a_process_that_is_killed_in_the_midst_of_a_download_leaves_nothing_in_the_cache() {
    let server = Server::start(|_, _| Reply::Stall(vec![0x1f; 30_000]));
    let home = tempfile::tempdir().unwrap();
    let mut child = program(home.path(), &server.url, &[]).arg("--quiet").spawn().unwrap();
    while server.asked().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the download ended");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names_in(&home.path().join("numgrad/mnist")), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_and_nothing_is_asked_for() {
    let server = Server::start(|_, _| Reply::Status(404));
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("file");
    fs::write(&folder, "in the way").unwrap();
    let made = Made::new();
    let error = downloader(&[&server]).fetch(&made.remote("digits"), &folder, &mut ()).unwrap_err();
    assert!(matches!(error, Error::Cache { .. }), "{error}");
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn several_downloads_of_one_file_at_once_all_end_with_the_file() {
    let made = Made::new();
    let body = made.compressed.clone();
    let server = Server::start(move |_, _| Reply::Body(body.clone()));
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| downloader(&[&server]).fetch(&made.remote("digits"), folder.path(), &mut ()).unwrap());
        }
    });
    assert_eq!(names_in(folder.path()), ["digits.gz"]);
    assert_eq!(fs::read(folder.path().join("digits.gz")).unwrap(), made.compressed);
}

#[test]
fn a_mirror_is_an_address_of_http_with_or_without_the_last_slash() {
    for wrong in ["", "ftp://host/mnist/", "host/mnist", "/mnist", "http://", "https://host/mnist?x=", "http://a b/"] {
        let error = Downloader::new(&[wrong], LIMITS).unwrap_err();
        assert!(matches!(error, Error::Mirror { .. }), "{wrong}: {error}");
        let request = Request { mirror: Some(wrong.into()), ..Request::default() };
        let error = dataset::load(&request, &mut LegacyRandom::seed(0), &mut ()).unwrap_err().to_string();
        assert!(error.contains(&format!("the mirror is {wrong:?}: expected an address")), "{error}");
    }

    let made = Made::new();
    let body = made.compressed.clone();
    let server = Server::start(move |_, _| Reply::Body(body.clone()));
    for base in ["mnist", "mnist/"] {
        let folder = tempfile::tempdir().unwrap();
        let mut downloader = Downloader::new(&[&format!("{}{base}", server.url)], LIMITS).unwrap();
        downloader.fetch(&made.remote("digits"), folder.path(), &mut ()).unwrap();
    }
    assert_eq!(server.asked(), ["/mnist/digits.gz"; 2]);
}

fn load(name: Option<Name>, cache: &Path, server: &Server) -> Result<dataset::Loaded, Error> {
    let request =
        Request { name, cache_dir: Some(cache.into()), mirror: Some(server.url.clone()), ..Request::default() };
    dataset::load(&request, &mut LegacyRandom::seed(42), &mut ())
}

#[test]
fn mnist_that_is_out_of_reach_is_an_error_where_demanded_and_else_told() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::Status(404));
    // A mirror that is named demands MNIST as its name does.
    for name in [Some(Name::Mnist), None] {
        let error = load(name, cache.path(), &server).unwrap_err().to_string();
        for part in ["HTTP status 404", "the folder of its four files", "another mirror", "the embedded digits"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    assert_eq!(names_in(cache.path()), [""; 0]);

    // Where no cache can be made nothing is downloaded, so that this does not ask the usual mirrors.
    let file = cache.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let request = Request { cache_dir: Some(file), ..Request::default() };
    let loaded = dataset::load(&request, &mut LegacyRandom::seed(42), &mut ()).unwrap();
    assert_eq!((loaded.dataset.name, loaded.dataset.train.len()), (Name::Embedded, 6000));
    let reason = loaded.out_of_reach.expect("the cache is out of reach").to_string();
    assert!(reason.contains("the cache folder"), "{reason}");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_damaged_file_in_the_cache_that_cannot_be_replaced_is_named() {
    let cache = tempfile::tempdir().unwrap();
    fs::write(cache.path().join("train-labels-idx1-ubyte.gz"), gzip(&labels(3, &[1, 2, 3]))).unwrap();
    let server = Server::start(|_, _| Reply::Status(404));
    let error = load(Some(Name::Mnist), cache.path(), &server).unwrap_err().to_string();
    assert!(error.contains("train-labels-idx1-ubyte.gz: expected content with the SHA-256 65a50cbb"), "{error}");
    assert!(error.contains("HTTP status 404"), "{error}");
}

#[test]
fn mnist_is_downloaded_once_and_only_what_is_missing_or_damaged_a_second_time() {
    let Some(source) = mnist::folder() else { return };
    let server = Server::start(move |path, _| match fs::read(source.join(&path[1..])) {
        Ok(body) => Reply::Body(body),
        Err(_) => Reply::Status(404),
    });
    let cache = tempfile::tempdir().unwrap();
    let loaded = load(None, cache.path(), &server).unwrap();
    assert_eq!((loaded.dataset.name, loaded.dataset.train.len()), (Name::Mnist, 60_000));
    assert!(loaded.warnings.is_empty() && loaded.out_of_reach.is_none());
    assert_eq!(server.asked().len(), 4);

    load(Some(Name::Mnist), cache.path(), &server).unwrap();
    assert_eq!(server.asked().len(), 4);

    fs::remove_file(cache.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
    fs::write(cache.path().join("train-labels-idx1-ubyte.gz"), "damaged").unwrap();
    load(Some(Name::Mnist), cache.path(), &server).unwrap();
    assert_eq!(server.asked()[4..], ["/train-labels-idx1-ubyte.gz", "/t10k-labels-idx1-ubyte.gz"]);
    assert_eq!(names_in(cache.path()).len(), 4);
}
